using Fla.Dsl.Runtime.Gpu;
using Fla.Ops.Tests.Cuda;
using static TorchSharp.torch;
using static Fla.Ops.Tests.Gpu.Blocks;

namespace Fla.Ops.Tests.Gpu;

public class SolveTests
{
    /// <summary>Keys of one chunk, as a delta rule meets them.</summary>
    public enum Keys
    {
        Random,
        Correlated,
        Equal,
    }

    public static TheoryData<int, Keys, float> Systems => new()
    {
        { 64, Keys.Random, 1f }, { 64, Keys.Correlated, 2f }, { 64, Keys.Equal, 1f }, { 64, Keys.Equal, 1.9f },
        { 32, Keys.Random, 2f }, { 32, Keys.Equal, 2f },
    };

    // The errors of substitution in fp32 grow with C; the largest, of equal keys written with 2, is 1e-5 by the same loops on a CPU.
    [Theory]
    [MemberData(nameof(Systems))]
    public void The_inverse_is_that_of_forward_substitution(int c, Keys keys, float beta) => Check<SingleElement>(c, keys, beta, 2e-5);

    // Rounding to nearest is off by half of the last place at most, evenly: by 1 / sqrt(3) of that as the root of the mean square.
    [Theory]
    [MemberData(nameof(Systems))]
    public void The_inverse_as_bf16_is_off_by_its_rounding(int c, Keys keys, float beta) => Check<BrainElement>(c, keys, beta, 0.58 / 256);

    [Theory]
    [MemberData(nameof(Systems))]
    public void The_inverse_as_fp16_is_off_by_its_rounding(int c, Keys keys, float beta) => Check<HalfElement>(c, keys, beta, 0.58 / 2048);

    [CudaTheory]
    [MemberData(nameof(Systems))]
    public void On_a_GPU_it_is_as_exact(int c, Keys keys, float beta)
    {
        Check<SingleElement>(c, keys, beta, 2e-5, OnCuda);
        Check<BrainElement>(c, keys, beta, 0.58 / 256, OnCuda);
        Check<HalfElement>(c, keys, beta, 0.58 / 2048, OnCuda);
    }

    [PtxasTheory]
    [InlineData(32)]
    [InlineData(64)]
    public void It_stays_in_registers(int c)
    {
        var (stack, spills, _) = Ptxas.Assemble(Compile(typeof(SolveKernels), nameof(SolveKernels.Inverse), Size(c), typeof(BrainElement)));
        Assert.Equal((0, 0), (stack, spills));
    }

    private static float[] Emulated(float[] l, Type[] arguments, int bytes)
    {
        var result = New(l.Length);
        Run(typeof(SolveKernels), nameof(SolveKernels.Inverse), arguments, bytes, Address(l), Address(result));
        return result;
    }

    private static float[] OnCuda(float[] l, Type[] arguments, int bytes)
    {
        using var scope = NewDisposeScope();
        var result = full(l.Length, float.NaN, device: CUDA);
        RunOnCuda(typeof(SolveKernels), nameof(SolveKernels.Inverse), arguments, bytes, tensor(l, device: CUDA), result);
        return result.cpu().data<float>().ToArray();
    }

    private static void Check<T>(int c, Keys keys, float beta, double tolerance, Func<float[], Type[], int, float[]>? run = null)
        where T : struct, IElement
    {
        var l = System(c, keys, beta);
        var result = (run ?? Emulated)(l, [Size(c), typeof(T)], (c * ((c * T.Bytes) + 16)) + (c * ((c * 4) + 16)));
        var expected = Inverse(l, c);
        double error = 0, norm = 0;
        for (var i = 0; i < c * c; i++) (error, norm) = (error + Math.Pow(expected[i] - result[i], 2), norm + (expected[i] * expected[i]));
        Assert.InRange(Math.Sqrt(error / norm), 0, tolerance);
    }

    /// <summary>- beta k k^T below the diagonal; above it, what is not to be looked at.</summary>
    private static float[] System(int c, Keys kind, float beta)
    {
        const int Size = 24;
        float[] noise = Random(c * Size, seed: 3), common = Random(Size, seed: 4), l = New(c * c);
        var share = kind switch { Keys.Random => 0f, Keys.Correlated => 0.8f, _ => 1f };
        float[] Mixed(int i) => [.. common.Select((x, d) => (share * x) + ((1 - share) * noise[(i * Size) + d]))];
        var keys = Enumerable.Range(0, c).Select(i => Normalised(Mixed(i))).ToArray();
        for (var i = 0; i < c; i++)
            for (var j = 0; j < i; j++) l[(i * c) + j] = (float)(-beta * keys[i].Zip(keys[j], (x, y) => x * y).Sum());
        return l;

        static double[] Normalised(float[] x) => [.. x.Select(y => y / Math.Sqrt(x.Sum(z => (double)z * z)))];
    }

    private static double[] Inverse(float[] l, int c)
    {
        var x = new double[c * c];
        for (var column = 0; column < c; column++)
            for (var i = column; i < c; i++)
            {
                x[(i * c) + column] = i == column ? 1 : 0;
                for (var j = column; j < i; j++) x[(i * c) + column] += l[(i * c) + j] * x[(j * c) + column];
            }
        return x;
    }
}
