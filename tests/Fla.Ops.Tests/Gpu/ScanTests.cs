using Fla.Dsl.Runtime;
using Fla.Dsl.Runtime.Gpu;
using Fla.Ops.Tests.Cuda;
using static Fla.Ops.Tests.Gpu.Blocks;
using static TorchSharp.torch;

namespace Fla.Ops.Tests.Gpu;

public class ScanTests
{
    // Sums of 64 numbers below 1, times factors below 1, each step off by 2^-24 of what is below 64; logarithms likewise.
    private const double Tolerance = 2e-5;

    [Theory]
    [InlineData(64, 128)]
    [InlineData(32, 96)]
    public void Transposed_scans_are_sums_over_the_tokens_for_which_it_counts(int c, int n) => CheckTransposed(c, n);

    [Theory]
    [InlineData(64, 128)]
    [InlineData(32, 32)]
    public void Logarithmic_scans_are_logarithms_of_sums_minus_infinity_of_none(int c, int n) => CheckLogarithmic(c, n);

    [CudaTheory]
    [InlineData(64, 128)]
    [InlineData(32, 32)]
    public void On_a_GPU_they_are_so_too(int c, int n)
    {
        CheckTransposed(c, n, OnCuda);
        CheckLogarithmic(c, n, OnCuda);
    }

    [Theory]
    [InlineData(64, 64, 64)]
    [InlineData(64, 32, 20)]
    [InlineData(32, 64, 1)]
    public void A_softmax_is_over_the_columns_that_there_are(int rows, int columns, int inside)
    {
        float[] tile = Random(rows * columns, seed: 1), result = New(rows * columns);
        for (var i = 0; i < tile.Length; i++) tile[i] *= 100;
        Type[] shape = [Size(rows), Size(columns)];
        var bytes = Bytes(typeof(Reductions), nameof(Reductions.SoftmaxBytes), shape);
        Run(typeof(ScanKernels), nameof(ScanKernels.Softmax), shape, bytes, Address(tile), inside, Address(result));
        for (var row = 0; row < rows; row++)
        {
            var numbers = tile.Skip(row * columns).Take(inside).Select(x => Math.Exp((double)x - 100)).ToArray();
            for (var column = 0; column < columns; column++)
                Assert.Equal(column < inside ? numbers[column] / numbers.Sum() : 0, result[(row * columns) + column], Tolerance);
        }
    }

    [Fact]
    public void The_share_is_all_where_the_other_is_the_logarithm_of_nothing()
    {
        float[] x = Random(256, seed: 1), y = Random(256, seed: 2), shares = New(256);
        x[0] = y[0] = y[1] = x[2] = float.NegativeInfinity;
        Run(typeof(ScanKernels), nameof(ScanKernels.Shares), [], 0, Address(x), Address(y), Address(shares));
        Assert.Equal([1f, 1f, 0f], shares[..3]);
        for (var i = 3; i < 256; i++) Assert.Equal(1 / (1 + Math.Exp((double)y[i] - x[i])), shares[i], Tolerance);
    }

    [PtxasFact]
    public void Scans_and_softmaxes_stay_in_registers()
    {
        foreach (var kernel in new[] { nameof(ScanKernels.Scan), nameof(ScanKernels.Softmax) })
        {
            var (stack, spills, _) = Ptxas.Assemble(Compile(typeof(ScanKernels), kernel, Size(64), Size(64)));
            Assert.Equal((0, 0), (stack, spills));
        }
    }

    private delegate float[] Runner(int c, int n, int scan, float[] x, float[] a);

    private static float[] Emulated(int c, int n, int scan, float[] x, float[] a)
    {
        var result = New(c * n);
        Run(typeof(ScanKernels), nameof(ScanKernels.Scan), [Size(c), Size(n)], BytesOf(c, n), scan, Address(x), Address(a), Address(result));
        return result;
    }

    private static float[] OnCuda(int c, int n, int scan, float[] x, float[] a)
    {
        using var scope = NewDisposeScope();
        var result = full(c * n, float.NaN, device: CUDA);
        RunOnCuda(typeof(ScanKernels), nameof(ScanKernels.Scan), [Size(c), Size(n)], BytesOf(c, n),
            scan, tensor(x, device: CUDA), tensor(a, device: CUDA), result);
        return result.cpu().data<float>().ToArray();
    }

    private static int BytesOf(int c, int n) => 2 * c * ((n * 4) + 16);

    private static void CheckTransposed(int c, int n, Runner? run = null) => Check(c, n, 0, run ?? Emulated, (x, a, point, j) =>
        Enumerable.Range(0, c).Where(i => Counts(j, i, point)).Sum(i => x[i] * Product(a, j, i, point)));

    private static void CheckLogarithmic(int c, int n, Runner? run = null) => Check(c, n, 3, run ?? Emulated, (x, _, point, i) =>
        Math.Log(Enumerable.Range(0, c).Where(j => Counts(j, i, point)).Sum(j => Math.Exp(x[j]))));

    private static void Check(int c, int n, int scan, Runner run, Func<double[], double[], ReadPoint, int, double> expected)
    {
        float[] x = Random(c * n, seed: 1), a = Random(c * n, seed: 2);
        for (var point = 0; point < 3; point++)
        {
            var result = run(c, n, scan + point, x, a);
            for (var column = 0; column < n; column += 5)
            {
                double[] Column(float[] tile) => [.. Enumerable.Range(0, c).Select(i => (double)tile[(i * n) + column])];
                for (var i = 0; i < c; i++) Equal(expected(Column(x), Column(a), (ReadPoint)point, i), result[(i * n) + column]);
            }
        }
    }

    private static void Equal(double expected, float actual)
    {
        if (double.IsNegativeInfinity(expected)) Assert.Equal(float.NegativeInfinity, actual);
        else Assert.Equal(expected, actual, Tolerance);
    }

    private static bool Counts(int j, int i, ReadPoint point) => point == ReadPoint.AfterWrite ? j <= i : j < i;

    private static IEnumerable<double> Between(double[] a, int j, int i, ReadPoint point) =>
        a.Take(point == ReadPoint.BeforeDecay ? i : i + 1).Skip(j + 1);

    private static double Product(double[] a, int j, int i, ReadPoint point) =>
        Between(a, j, i, point).Aggregate(1.0, (product, factor) => product * factor);
}
