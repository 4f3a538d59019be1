using Fla.Layers.Modules;
using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Layers.Tests.Modules;

public class NormTests
{
    [Theory]
    [InlineData(ScalarType.Float32, 1e-6)]
    [InlineData(ScalarType.Float64, 1e-12)]
    [InlineData(ScalarType.BFloat16, 4e-3)]
    public void Both_norms_are_their_formulas_on_the_residual_sum(ScalarType type, double tolerance)
    {
        using var scope = NewDisposeScope();
        var (x, residual) = (randn(2, 5, 8).to(type), randn(2, 5, 8).to(type));
        var sum = x.to(ScalarType.Float64) + residual.to(ScalarType.Float64);
        var centred = sum - sum.mean([-1], keepdim: true);
        Check(new RMSNorm(8, bias: true, eps: 1e-3), sum / (sum.square().mean([-1], keepdim: true) + 1e-3).sqrt());
        Check(new LayerNorm(8, bias: true, eps: 1e-3), centred / (centred.square().mean([-1], keepdim: true) + 1e-3).sqrt());

        void Check(Norm norm, Tensor normalised)
        {
            using (no_grad())
            {
                norm.weight!.copy_(randn(8));
                norm.bias!.copy_(randn(8));
            }

            norm.to(type);
            var (output, kept) = norm.forward(x, residual);
            var expected = normalised * norm.weight!.to(ScalarType.Float64) + norm.bias!.to(ScalarType.Float64);
            Assert.Equal(type, output.dtype);
            Assert.True((output.to(ScalarType.Float64) - expected).abs().max().item<double>() <= tolerance * 10);
            Assert.True((kept.to(ScalarType.Float64) - sum).abs().max().item<double>() <= tolerance * 5);
            Assert.True(norm.forward(kept).allclose(norm.forward(x + residual)));
        }
    }

    [Fact]
    public void A_residual_is_begun_by_the_input_and_given_back_in_fp32_if_asked_for()
    {
        using var scope = NewDisposeScope();
        using var norm = new RMSNorm(8);
        var x = randn(2, 3, 8).to(ScalarType.BFloat16);
        Assert.True(norm.forward(x, null).Residual.equal(x).all().item<bool>());
        Assert.Equal(ScalarType.Float32, norm.forward(x, x, residualInFp32: true).Residual.dtype);
        Assert.Equal(ScalarType.BFloat16, norm.forward(x, x).Residual.dtype);
    }

    [Fact]
    public void Norms_print_as_PyTorch_prints_them()
    {
        Assert.Equal("RMSNorm(2048, eps=1e-06)", new RMSNorm(2048, eps: 1e-6).ToString());
        Assert.Equal("LayerNorm(64, elementwise_affine=False, eps=1e-05)", new LayerNorm(64, elementwiseAffine: false).ToString());
    }
}
