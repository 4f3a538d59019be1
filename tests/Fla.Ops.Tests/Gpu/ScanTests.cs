using Fla.Dsl.Runtime;
using Fla.Dsl.Runtime.Gpu;
using Fla.Ops.Tests.Cuda;
using static Fla.Ops.Tests.Gpu.Blocks;

namespace Fla.Ops.Tests.Gpu;

public class ScanTests
{
    // Sums of 64 numbers below 1, times factors below 1, each step off by 2^-24 of what is below 64; logarithms likewise.
    private const double Tolerance = 2e-5;

    [Theory]
    [InlineData(64, 128)]
    [InlineData(32, 96)]
    public void Linear_scans_are_sums_over_the_tokens_that_count(int c, int n) => Check(c, n, 0, (x, a, point, i) =>
        Enumerable.Range(0, c).Where(j => Counts(j, i, point)).Sum(j => x[j] * Product(a, j, i, point)));

    [Theory]
    [InlineData(64, 128)]
    [InlineData(32, 96)]
    public void Transposed_scans_are_sums_over_the_tokens_for_which_it_counts(int c, int n) => Check(c, n, 3, (x, a, point, j) =>
        Enumerable.Range(0, c).Where(i => Counts(j, i, point)).Sum(i => x[i] * Product(a, j, i, point)));

    [Theory]
    [InlineData(64, 128)]
    [InlineData(32, 32)]
    public void Logarithmic_scans_are_logarithms_of_sums_minus_infinity_of_none(int c, int n) => Check(c, n, 6, (x, _, point, i) =>
        Math.Log(Enumerable.Range(0, c).Where(j => Counts(j, i, point)).Sum(j => Math.Exp(x[j]))));

    [Theory]
    [InlineData(64, 32)]
    [InlineData(32, 128)]
    public void Products_are_over_all_tokens_so_far_with_or_without_the_own(int c, int n) => Check(c, n, 9, (_, a, point, i) =>
        a.Take(point == ReadPoint.BeforeDecay ? i + 1 : i).Aggregate(1.0, (product, factor) => product * factor), points: 2);

    [Theory]
    [InlineData(64, 64, 64)]
    [InlineData(64, 32, 20)]
    [InlineData(32, 64, 1)]
    public void A_softmax_is_over_the_columns_that_there_are_and_lies_transposed(int rows, int columns, int inside)
    {
        float[] tile = Random(rows * columns, seed: 1), result = New(rows * columns);
        for (var i = 0; i < tile.Length; i++) tile[i] *= 100;
        Type[] shape = [Size(rows), Size(columns)];
        var bytes = Bytes(typeof(Reductions), nameof(Reductions.SoftmaxBytes), shape) + (columns * ((rows * 4) + 16));
        Run(typeof(ScanKernels), nameof(ScanKernels.SoftmaxTransposed), shape, bytes, Address(tile), inside, Address(result));
        for (var row = 0; row < rows; row++)
        {
            var numbers = tile.Skip(row * columns).Take(inside).Select(x => Math.Exp((double)x - 100)).ToArray();
            for (var column = 0; column < columns; column++)
                Assert.Equal(column < inside ? numbers[column] / numbers.Sum() : 0, result[(column * rows) + row], Tolerance);
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
        foreach (var kernel in new[] { nameof(ScanKernels.Scan), nameof(ScanKernels.SoftmaxTransposed) })
        {
            var (stack, spills, _) = Ptxas.Assemble(Compile(typeof(ScanKernels), kernel, Size(64), Size(64)));
            Assert.Equal((0, 0), (stack, spills));
        }
    }

    private static void Check(int c, int n, int scan, Func<double[], double[], ReadPoint, int, double> expected, int points = 3)
    {
        float[] x = Random(c * n, seed: 1), a = Random(c * n, seed: 2);
        for (var point = 0; point < points; point++)
        {
            float[] result = New(c * n), last = New(n);
            var bytes = (2 * c * ((n * 4) + 16)) + (n * 4);
            Run(typeof(ScanKernels), nameof(ScanKernels.Scan), [Size(c), Size(n)], bytes,
                scan + point, Address(x), Address(a), Address(result), Address(last));
            for (var column = 0; column < n; column += 5)
            {
                double[] Column(float[] tile) => [.. Enumerable.Range(0, c).Select(i => (double)tile[(i * n) + column])];
                for (var i = 0; i < c; i++) Equal(expected(Column(x), Column(a), (ReadPoint)point, i), result[(i * n) + column]);
                Equal(expected(Column(x), Column(a), (ReadPoint)point, c - 1), last[column]);
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
