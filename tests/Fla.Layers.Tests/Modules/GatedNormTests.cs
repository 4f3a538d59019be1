using Fla.Layers.Modules;
using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Layers.Tests.Modules;

public class GatedNormTests
{
    private static Tensor Rms(Tensor x) => x / (x.square().mean([-1], keepdim: true) + 1e-5).sqrt();

    private static Tensor Layer(Tensor x) =>
        (x - x.mean([-1], keepdim: true)) / (x.var([-1], unbiased: false, keepdim: true) + 1e-5).sqrt();

    private static Tensor Silu(Tensor x) => x * sigmoid(x);

    private static Tensor Random(params long[] shape) => randn(shape, dtype: ScalarType.Float64);

    private static T Drawn<T>(T module)
        where T : nn.Module
    {
        using var noGrad = no_grad();
        foreach (var parameter in module.parameters())
            parameter.copy_(randn(parameter.shape));
        return (T)module.to(ScalarType.Float64);
    }

    [Theory]
    [InlineData("swish")]
    [InlineData("silu")]
    [InlineData("sigmoid")]
    public void The_gate_comes_after_the_norm(string activation)
    {
        using var scope = NewDisposeScope();
        var (x, g) = (Random(2, 5, 8), Random(2, 5, 8));
        var gate = activation == "sigmoid" ? sigmoid(g) : Silu(g);
        var rms = Drawn(new FusedRMSNormGated(8, activation: activation));
        Assert.True(rms.forward(x, g).From(Rms(x) * rms.weight! * gate) < 1e-12);

        var layer = Drawn(new FusedLayerNormGated(8, bias: true, activation: activation));
        Assert.True(layer.forward(x, g).From((Layer(x) * layer.weight! + layer.bias!) * gate) < 1e-12);
    }

    [Fact]
    public void The_residual_sum_is_normalised_and_given_back()
    {
        using var scope = NewDisposeScope();
        var (x, g, residual) = (randn(2, 5, 8), randn(2, 5, 8), randn(2, 5, 8).to(ScalarType.BFloat16));
        var norm = new FusedRMSNormGated(8);
        var (y, kept) = norm.forward(x, g, residual, residualInFp32: true);
        Assert.True(kept.equal(x + residual.to(ScalarType.Float32)).all().item<bool>());
        Assert.True(y.From(norm.forward(kept, g)) < 1e-6);
        Assert.Equal(ScalarType.BFloat16, norm.forward(x, g, residual).Residual.dtype);
        Assert.True(norm.forward(x, g, null).Residual.equal(x).all().item<bool>());
    }

    [Fact]
    public void Half_precision_is_rounded_once()
    {
        using var scope = NewDisposeScope();
        var (x, g) = (randn(2, 5, 8).to(ScalarType.BFloat16), randn(2, 5, 8).to(ScalarType.BFloat16));
        var norm = new FusedRMSNormGated(8);
        var exact = norm.forward(x.to(ScalarType.Float32), g.to(ScalarType.Float32));
        Assert.True(norm.forward(x, g).equal(exact.to(ScalarType.BFloat16)).all().item<bool>());
    }

    [Theory]
    [InlineData(false, null)]
    [InlineData(true, null)]
    [InlineData(false, 4L)]
    [InlineData(true, 4L)]
    public void The_norm_of_Mamba2_is_gated_before_or_after_and_may_have_groups(bool normBeforeGate, long? groupSize)
    {
        using var scope = NewDisposeScope();
        var (x, z) = (Random(2, 5, 8), Random(2, 5, 8));
        var norm = Drawn(new RMSNormGated(8, groupSize: groupSize, normBeforeGate: normBeforeGate));
        var weight = norm.parameters().Single();
        var expected = normBeforeGate ? Grouped(x) * weight * Silu(z) : Grouped(x * Silu(z)) * weight;
        Assert.True(norm.forward(x, z).From(expected) < 1e-12);

        Tensor Grouped(Tensor value) =>
            groupSize is null ? Rms(value) : cat([Rms(value[.., .., ..4]), Rms(value[.., .., 4..])], -1);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Groups_of_channels_are_normalised_by_themselves(bool isRmsNorm)
    {
        using var scope = NewDisposeScope();
        var x = Random(2, 5, 8);
        var norm = Drawn(new GroupNorm(2, 8, bias: true, isRmsNorm: isRmsNorm));
        Tensor[] halves = [x[.., .., ..4], x[.., .., 4..]];
        var expected = cat([.. halves.Select(half => isRmsNorm ? Rms(half) : Layer(half))], -1) * norm.weight! + norm.bias!;
        Assert.True(norm.forward(x).From(expected) < 1e-12);
    }

    [Fact]
    public void What_does_not_fit_is_refused_by_name()
    {
        using var scope = NewDisposeScope();
        Assert.Throws<ArgumentException>("activation", () => new FusedRMSNormGated(8, activation: "gelu"));
        Assert.Throws<ArgumentException>("numGroups", () => new GroupNorm(3, 8));
        Assert.Throws<ArgumentException>("groupSize", () => new RMSNormGated(8, groupSize: 3));
        Assert.Throws<ArgumentException>("g", () => new FusedRMSNormGated(8).forward(randn(2, 8), randn(1, 8)));
    }

    [Fact]
    public void They_print_as_PyTorch_prints_them()
    {
        Assert.Equal("FusedRMSNormGated(512, eps=1e-05, activation=swish)", new FusedRMSNormGated(512).ToString());
        Assert.Equal("GroupNorm(2, 64, eps=0.00032)", new GroupNorm(2, 64, bias: true, eps: 0.00032).ToString());
        Assert.Equal("GroupNorm(2, 64, is_rms_norm=True, eps=1e-05)", new GroupNorm(2, 64, isRmsNorm: true).ToString());
        Assert.Equal("RMSNormGated()", new RMSNormGated(8).ToString());
    }
}
