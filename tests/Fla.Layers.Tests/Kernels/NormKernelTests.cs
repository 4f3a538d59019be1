using Fla.Dsl.Runtime.Emulator;
using Fla.Layers.Kernels;
using Fla.Layers.Modules;
using static TorchSharp.torch;

namespace Fla.Layers.Tests.Kernels;

public class NormKernelTests
{
    [Theory]
    [InlineData(ScalarType.Float32, 1, 1)]
    [InlineData(ScalarType.Float32, 5, 64)]
    [InlineData(ScalarType.BFloat16, 40, 128)]
    [InlineData(ScalarType.BFloat16, 3, 77)]
    [InlineData(ScalarType.Float16, 9, 200)]
    [InlineData(ScalarType.BFloat16, 3, 344)]
    [InlineData(ScalarType.Float32, 3, 520)]
    [InlineData(ScalarType.BFloat16, 3, 2048)]
    [InlineData(ScalarType.BFloat16, 2, 4096)]
    [InlineData(ScalarType.Float16, 2, 4090)]
    public void A_root_mean_square_norm_of_any_length_and_its_gradients(ScalarType type, long rows, long columns) =>
        Check(new(Normalisation.RootMeanSquare(1e-5)), type, rows, columns, weight: true);

    [Theory]
    [InlineData(ScalarType.Float32, 60)]
    [InlineData(ScalarType.BFloat16, 1000)]
    public void A_layer_norm_with_weight_and_bias(ScalarType type, long columns) =>
        Check(new(Normalisation.MeanAndVariance(1e-3)), type, 7, columns, weight: true, bias: true);

    [Fact]
    public void Vectors_of_unit_length() => Check(new(Normalisation.UnitLength(1e-6)), ScalarType.BFloat16, 33, 64);

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public void A_residual_is_added_and_its_sum_given_back(bool centres, bool inFp32)
    {
        var normalisation = centres ? Normalisation.MeanAndVariance(1e-5) : Normalisation.RootMeanSquare(1e-5);
        Check(new(normalisation), inFp32 ? ScalarType.BFloat16 : ScalarType.Float32, 6, 72, weight: true, residual: true, inFp32: inFp32);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_gate_comes_after_the_norm_or_before_it(int gate)
    {
        foreach (var centres in new[] { false, true })
        {
            var normalisation = centres ? Normalisation.MeanAndVariance(1e-5) : Normalisation.RootMeanSquare(1e-5);
            Check(new(normalisation, (NormGate)gate), ScalarType.Float32, 9, 48, weight: true, bias: true);
        }
    }

    [Fact]
    public void A_gated_norm_in_half_precision_with_a_residual()
    {
        var function = new NormFunction(Normalisation.RootMeanSquare(1e-5), NormGate.Swish);
        Check(function, ScalarType.BFloat16, 9, 128, weight: true, residual: true, inHalf: true);
    }

    [Theory]
    [InlineData(3, 8)]
    [InlineData(4, 128)]
    [InlineData(5, 30)]
    public void Groups_of_channels_have_their_own_weights(long groups, long columns)
    {
        Check(new(Normalisation.RootMeanSquare(1e-5, groups), NormGate.SwishFirst), ScalarType.Float32, 7, groups * columns, weight: true);
        Check(new(Normalisation.MeanAndVariance(1e-5, groups)), ScalarType.BFloat16, 7, groups * columns, weight: true, bias: true);
    }

    [Fact]
    public void Rows_that_begin_anywhere_and_lie_apart_are_read()
    {
        using var scope = NewDisposeScope();
        var function = new NormFunction(Normalisation.RootMeanSquare(1e-5));
        var all = randn(5, 3, 49);
        var x = all.flatten()[1..721].view(5, 3, 48).transpose(0, 1);
        var weight = randn(49)[1..];
        using var noGrad = no_grad();
        var y = FusedNorm.Apply(EmulatedDevice.Instance, function, x, null, weight, null);
        Assert.True(y.allclose(function.Apply(x, null, weight, null), atol: 1e-6));
    }

    [Fact]
    public void Two_leaves_do_not_share_a_gradient()
    {
        using var scope = NewDisposeScope();
        var (x, residual) = (randn(2, 8).requires_grad_(), randn(2, 8).requires_grad_());
        var function = new NormFunction(Normalisation.RootMeanSquare(1e-5));
        var (y, sum) = FusedNorm.Apply(EmulatedDevice.Instance, function, x, residual, ScalarType.Float32, null, null, null);
        (y.sum() + sum.sum()).backward();
        var expected = residual.grad!.clone();
        using var noGrad = no_grad();
        x.grad!.zero_();
        Assert.True(residual.grad!.equal(expected).all().item<bool>());
    }

    private static void Check(
        NormFunction function, ScalarType type, long rows, long columns, bool weight = false, bool bias = false, bool residual = false,
        bool inFp32 = false, bool inHalf = false)
    {
        using var scope = NewDisposeScope();
        var gated = function.Gate != NormGate.None;
        var kept = inFp32 ? ScalarType.Float32 : type;
        Emulated.Equals(
            inputs =>
            {
                if (!residual)
                    return [FusedNorm.Apply(EmulatedDevice.Instance, function, inputs[0]!, inputs[1], inputs[2], inputs[3])];
                var (y, sum) = FusedNorm.Apply(
                    EmulatedDevice.Instance, function, inputs[0]!, inputs[4], kept, inputs[1], inputs[2], inputs[3]);
                return [y, sum];
            },
            inputs =>
            {
                if (!residual)
                    return [function.Apply(inputs[0]!, inputs[1], inputs[2], inputs[3])];
                var (y, sum) = function.Apply(inputs[0]!, inputs[4], false, inputs[1], inputs[2], inputs[3]);
                return [y, sum];
            },
            inHalf ? 2 : 1,
            Random(rows, columns),
            gated ? Random(rows, columns) : null,
            weight ? randn(columns).to(inHalf ? type : ScalarType.Float32) : null,
            bias ? randn(columns).to(inHalf ? type : ScalarType.Float32) : null,
            residual ? Random(rows, columns) : null);

        Tensor Random(params long[] shape) => randn(shape).to(type);
    }
}
