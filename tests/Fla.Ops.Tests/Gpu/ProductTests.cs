using Fla.Dsl.Runtime;
using Fla.Dsl.Runtime.Gpu;
using Fla.Ops.Tests.Cuda;
using static Fla.Ops.Tests.Gpu.Blocks;
using static TorchSharp.torch;

namespace Fla.Ops.Tests.Gpu;

/// <summary>Products of tiles against PyTorch's in fp64.</summary>
public class ProductTests
{
    private static readonly Type[] Singles = [typeof(SingleElement), typeof(TensorFloatElement)];
    private static readonly Type[] Elements = [.. Singles, typeof(BrainElement), typeof(HalfElement)];

    /// <summary>M, N and K.</summary>
    public static TheoryData<int, int, int> Shapes => new()
    {
        { 64, 64, 64 }, { 64, 128, 32 }, { 128, 64, 64 }, { 32, 32, 64 }, { 32, 96, 32 },
    };

    /// <summary>As many as the emulator has time for.</summary>
    public static TheoryData<int, int, int> EmulatedShapes => new() { { 32, 32, 64 }, { 64, 96, 32 } };

    [Theory]
    [MemberData(nameof(EmulatedShapes))]
    public void Operands_are_rounded_to_their_type_and_all_else_is_fp32(int m, int n, int k) => Check(CPU, m, n, k);

    [CudaTheory]
    [MemberData(nameof(Shapes))]
    public void On_tensor_cores_it_is_so_too(int m, int n, int k) => Check(CUDA, m, n, k);

    [Theory]
    [MemberData(nameof(EmulatedShapes))]
    public void What_is_summed_has_scales_before_it_is_rounded(int m, int n, int k) => CheckScaled(CPU, m, n, k);

    [CudaTheory]
    [MemberData(nameof(Shapes))]
    public void On_tensor_cores_it_has_them_too(int m, int n, int k) => CheckScaled(CUDA, m, n, k);

    [Fact]
    public void What_is_no_number_stays_none() => CheckNotANumber(CPU);

    [CudaFact]
    public void What_is_no_number_stays_none_on_tensor_cores() => CheckNotANumber(CUDA);

    [PtxasTheory]
    [InlineData(nameof(ProductKernels.AB))]
    [InlineData(nameof(ProductKernels.ABt))]
    [InlineData(nameof(ProductKernels.AtB))]
    [InlineData(nameof(ProductKernels.AtBt))]
    [InlineData(nameof(ProductKernels.AtBScaled))]
    public void They_stay_in_registers(string kernel)
    {
        foreach (var element in Elements)
        {
            var (stack, spills, _) = Ptxas.Assemble(Compile(typeof(ProductKernels), kernel, Size(128), Size(128), Size(64), element));
            Assert.Equal((0, 0), (stack, spills));
        }
    }

    private static void Check(Device device, int m, int n, int k)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        Tensor a = rand(m, k, generator: generator) - 0.5, b = rand(k, n, generator: generator) - 0.5;
        foreach (var element in Elements)
            foreach (var (transposeA, transposeB) in new[] { (false, false), (false, true), (true, false), (true, true) })
            {
                var result = Multiply(device, a, transposeA, b, transposeB, element);
                CheckSum(result, Rounded(a, element), Rounded(b, element), $"{element.Name} {transposeA} {transposeB}");
            }
    }

    private static void CheckScaled(Device device, int m, int n, int k)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        Tensor a = rand(m, k, generator: generator) - 0.5, b = rand(k, n, generator: generator) - 0.5, s = rand(k, generator: generator);
        foreach (var element in Singles)
            CheckSum(Multiply(device, a, true, b, false, element, s), Rounded(a * s, element), Rounded(b, element), element.Name);
    }

    /// <summary>That it is 1 and the product of operands that are rounded, to the bound of fp32 sums one by one.</summary>
    private static void CheckSum(Tensor result, Tensor left, Tensor right, string what)
    {
        // What tensor cores leave out of products of fp32, a part in 2^21, is below it for k of 8 on.
        var tolerance = (1 + left.abs().matmul(right.abs())) * Math.Pow(2, -24) * left.shape[1];
        var worst = ((result.to(float64) - (1 + left.matmul(right))).abs() / tolerance).max().item<double>();
        Assert.True(worst <= 1, $"{what}: {worst} of what may be");
    }

    private static void CheckNotANumber(Device device)
    {
        using var scope = NewDisposeScope();
        Tensor a = ones(32, 32), b = ones(32, 32);

        // What CUDA's own arithmetic makes: all bits but the sign's.
        a[3, 5] = tensor(BitConverter.Int32BitsToSingle(int.MaxValue));
        foreach (var element in Elements)
        {
            var result = Multiply(device, a, false, b, false, element);
            Assert.Equal(Enumerable.Range(0, 32).Select(row => row == 3), result.isnan().all(1).data<bool>().ToArray());
            Assert.Equal(32, result.isnan().sum().item<long>());
        }
    }

    private static Tensor Multiply(Device device, Tensor a, bool transposeA, Tensor b, bool transposeB, Type element, Tensor? scales = null)
    {
        var kernel = $"A{(transposeA ? "t" : "")}B{(transposeB ? "t" : "")}{(scales is null ? "" : "Scaled")}";
        Tensor left = (transposeA ? a.mT : a).contiguous().to(device), right = (transposeB ? b.mT : b).contiguous().to(device);
        var result = full([a.shape[0], b.shape[1]], double.NaN, float32, device);
        Type[] arguments = [Size((int)a.shape[0]), Size((int)b.shape[1]), Size((int)a.shape[1]), element];

        // Rows are 16 bytes longer than their elements.
        var bytes = (left.shape[0] * ((left.shape[1] * 4) + 16)) + (right.shape[0] * ((right.shape[1] * 4) + 16)) + (a.shape[1] * 4);
        KernelArgument[] tensors = scales is null ? [left, right, result] : [left, right, scales.to(device), result];
        Run(KernelDevice.Of(result), typeof(ProductKernels), kernel, arguments, (int)bytes, tensors);
        return result.cpu();
    }

    private static Tensor Rounded(Tensor x, Type element)
    {
        if (element == typeof(SingleElement)) return x.to(float64);
        if (element == typeof(BrainElement)) return x.to(bfloat16).to(float64);
        if (element == typeof(HalfElement)) return x.to(float16).to(float64);
        var place = x.to(float64).abs().log2().floor().sub(10).exp2();
        return (x / place).round() * place;
    }
}
