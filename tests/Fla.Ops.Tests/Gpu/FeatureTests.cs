using Fla.Dsl.Runtime;
using Fla.Dsl.Runtime.Gpu;
using Fla.Ops.Tests.Cuda;
using TorchSharp;
using static Fla.Ops.Tests.Gpu.Blocks;
using static TorchSharp.torch;

namespace Fla.Ops.Tests.Gpu;

/// <summary>Features in kernels against those of tensors.</summary>
public class FeatureTests
{
    private const int Rows = 64, Tile = 32;

    // A gradient is the sum of some thirty products of numbers up to 2, each off by a few units of 2^-24.
    private const double Tolerance = 1e-5;

    public static TheoryData<Type, int, int> Cases => new()
    {
        { typeof(QuadraticMap), 16, 160 }, { typeof(QuadraticMap), 9, 64 }, { typeof(QuadraticMap), 1, 32 },
        { typeof(Taylor2Map), 16, 160 }, { typeof(Taylor2Map), 7, 64 }, { typeof(Taylor2Map), 1, 32 },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Features_are_those_of_the_map_and_nothing_beyond(Type map, int elements, int count)
    {
        float[] x = Elements(elements), actual = New(Rows * count);
        Run(typeof(FeatureKernels), nameof(FeatureKernels.Features), [Size(Rows), Size(count), Size(Tile), map],
            Rows * ((4 * Tile) + 16), Address(x), elements, Address(actual));
        var expected = Of(map, First(x, Tile, elements));
        Assert.Equal(0, Rest(actual, count, (int)expected.shape[1]).abs().max().ToSingle());
        Assert.True(allclose(First(actual, count, (int)expected.shape[1]), expected, rtol: 0, atol: Tolerance));
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Gradients_are_those_of_the_map(Type map, int elements, int count)
    {
        float[] x = Elements(elements), gradient = Random(Rows * count, seed: 2), actual = New(Rows * Tile);
        Run(typeof(FeatureKernels), nameof(FeatureKernels.Gradient), [Size(Rows), Size(count), Size(Tile), map],
            Rows * ((4 * Tile) + 16 + (4 * count) + 16), Address(x), Address(gradient), elements, Address(actual));
        var given = First(x, Tile, elements).requires_grad_();
        var features = Of(map, given);
        features.backward([First(gradient, count, (int)features.shape[1])]);
        Assert.Equal(0, Rest(actual, Tile, elements).abs().sum().ToSingle());
        Assert.True(allclose(First(actual, Tile, elements), given.grad!, rtol: 0, atol: Tolerance));
    }

    [PtxasTheory]
    [InlineData(nameof(FeatureKernels.Features))]
    [InlineData(nameof(FeatureKernels.Gradient))]
    public void Features_stay_in_registers(string kernel)
    {
        var (stack, spills, _) = Ptxas.Assemble(Compile(typeof(FeatureKernels), kernel, Size(64), Size(160), Size(32), typeof(Taylor2Map)));
        Assert.Equal((0, 0), (stack, spills));
    }

    // Beyond the elements a tile is 0.
    private static float[] Elements(int elements)
    {
        var x = Random(Rows * Tile, seed: 1);
        for (var i = 0; i < x.Length; i++) x[i] = i % Tile < elements ? x[i] : 0;
        return x;
    }

    private static Tensor Of(Type map, Tensor x) => map == typeof(Taylor2Map) ? FeatureMaps.Taylor2(x) : FeatureMaps.Quadratic(x);

    private static Tensor First(float[] tile, int columns, int first) => tensor(tile, [Rows, columns]).narrow(1, 0, first).clone();

    private static Tensor Rest(float[] tile, int columns, int first) =>
        cat([tensor(tile, [Rows, columns]).narrow(1, first, columns - first), zeros(Rows, 1)], 1);
}
