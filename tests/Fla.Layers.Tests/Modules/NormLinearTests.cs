using Fla.Layers.Modules;
using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Layers.Tests.Modules;

/// <summary>Norms with a linear map, computed again in the backward pass, against both one after the other.</summary>
public class NormLinearTests
{
    public static TheoryData<string, ScalarType, bool> Cases
    {
        get
        {
            var cases = new TheoryData<string, ScalarType, bool>();
            foreach (var name in new[] { "RMS", "layer", "group", "gated" })
                foreach (var type in new[] { ScalarType.Float64, ScalarType.Float32, ScalarType.BFloat16 })
                    foreach (var bias in new[] { true, false })
                        cases.Add(name, type, bias);
            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Values_and_gradients_are_those_of_norm_and_map(string name, ScalarType type, bool bias)
    {
        using var scope = NewDisposeScope();
        var (fused, plain) = Made(name, bias);
        foreach (var parameter in fused.parameters())
            using (no_grad())
                parameter.copy_(randn(parameter.shape));
        plain.load_state_dict(fused.state_dict());
        fused.to(type);
        plain.to(type);

        Tensor[] inputs = [randn(2, 5, 8), randn(2, 5, 8), randn(6, 8), .. bias ? new[] { randn(6) } : []];
        var gradient = randn(2, 5, 6).to(type);
        Tensor[] ours = [.. inputs.Select(input => input.to(type).requires_grad_())];
        Tensor[] theirs = [.. ours.Select(input => input.detach().clone().requires_grad_())];
        var y = Fused(fused, ours);
        var expected = nn.functional.linear(Plain(plain, theirs), theirs[2], bias ? theirs[3] : null);
        y.backward([gradient]);
        expected.backward([gradient]);

        Assert.True(y.equal(expected).all().item<bool>());
        foreach (var (our, their) in ours.Concat(fused.parameters()).Zip(theirs.Concat(plain.parameters())))
            Assert.True(our.grad is null ? their.grad is null : our.grad.equal(their.grad!).all().item<bool>());
    }

    [Fact]
    public void The_residual_sum_is_mapped_and_given_back()
    {
        using var scope = NewDisposeScope();
        var norm = new RMSNormLinear(8);
        var (x, residual, weight) = (randn(2, 5, 8), randn(2, 5, 8).to(ScalarType.BFloat16), randn(6, 8));
        var (y, kept) = norm.forward(x, weight, null, residual);
        var sum = x + residual.to(ScalarType.Float32);
        Assert.Equal(ScalarType.BFloat16, kept.dtype);
        Assert.True(norm.forward(x, weight, null, residual, residualInFp32: true).Residual.equal(sum).all().item<bool>());
        Assert.True(y.From(norm.forward(sum, weight, null)) < 1e-6);
        Assert.True(norm.forward(x, weight, null, null).Residual.equal(x).all().item<bool>());
    }

    [Fact]
    public void Only_what_asks_for_a_gradient_gets_one()
    {
        using var scope = NewDisposeScope();
        var (norm, x, weight) = (new RMSNormLinear(8), randn(5, 8), randn(6, 8).requires_grad_());
        norm.weight!.requires_grad_(false);
        norm.forward(x, weight, null).sum().backward();
        Assert.NotNull(weight.grad);
        Assert.Null(norm.weight.grad);
        Assert.False(norm.forward(x, weight.detach(), null).requires_grad);
    }

    [Fact]
    public void They_print_as_PyTorch_prints_them()
    {
        Assert.Equal("RMSNormLinear(8, eps=1e-05)", new RMSNormLinear(8).ToString());
        Assert.Equal("GroupNormLinear(2, 8, is_rms_norm=True, eps=1e-05)", new GroupNormLinear(2, 8, isRmsNorm: true).ToString());
    }

    private static (nn.Module Fused, nn.Module Plain) Made(string name, bool bias) => name switch
    {
        "RMS" => (new RMSNormLinear(8, bias: bias), new RMSNorm(8, bias: bias)),
        "layer" => (new LayerNormLinear(8, bias: bias), new LayerNorm(8, bias: bias)),
        "group" => (new GroupNormLinear(2, 8, bias: bias), new GroupNorm(2, 8, bias: bias)),
        _ => (new FusedRMSNormSwishGateLinear(8), new FusedRMSNormGated(8)),
    };

    private static Tensor Fused(nn.Module module, Tensor[] inputs) => module switch
    {
        NormLinear norm => norm.forward(inputs[0], inputs[2], inputs.ElementAtOrDefault(3)),
        _ => ((FusedRMSNormSwishGateLinear)module).forward(inputs[0], inputs[1], inputs[2], inputs.ElementAtOrDefault(3)),
    };

    private static Tensor Plain(nn.Module module, Tensor[] inputs) =>
        module is Norm norm ? norm.forward(inputs[0]) : ((FusedRMSNormGated)module).forward(inputs[0], inputs[1]);
}
