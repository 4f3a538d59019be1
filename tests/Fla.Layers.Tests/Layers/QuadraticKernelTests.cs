using Fla.Layers.Modules;
using Fla.Layers.Tests.Modules;
using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Layers.Tests.Layers;

/// <summary>The layers whose op has a feature map in closed form, against attention over the features.</summary>
public class QuadraticKernelTests
{
    private const int Size = 16, Heads = 2, Features = 3, Tokens = 9;

    [Theory]
    [InlineData(null)]
    [InlineData(1.0)]
    public void Based_is_attention_over_the_series_of_the_exponential(double? scale)
    {
        using var scope = NewDisposeScope();
        var layer = new BasedLinearAttention(Size, Features, Heads, Heads, scale: scale).to(ScalarType.Float64);
        Check(layer, x => x, (q, k) =>
        {
            var s = q.matmul(k.transpose(-1, -2)) * (scale ?? 1 / Math.Sqrt(Features));
            return 1 + s + s * s / 2;
        }, 1e-6);
    }

    [Fact]
    public void ReBased_is_attention_over_squares()
    {
        using var scope = NewDisposeScope();
        var layer = new ReBasedLinearAttention(Size, Features, Heads, Heads, eps: 0.1).to(ScalarType.Float64);
        var map = new RebasedFeatureMap(Features).to(ScalarType.Float64);
        Check(layer, map.forward, (q, k) => q.matmul(k.transpose(-1, -2)), 0.1);
    }

    private static void Check(TokenMixer layer, Func<Tensor, Tensor> map, Func<Tensor, Tensor, Tensor> kernel, double eps)
    {
        var (x, weights) = (randn(2, Tokens, Size, dtype: ScalarType.Float64), layer.state_dict());
        var (q, k, v) = (map(Projected("q_proj")), map(Projected("k_proj")), Projected("v_proj"));
        var attention = kernel(q, k).tril();
        var o = (attention / (attention.sum(-1, keepdim: true) + eps)).matmul(v);
        var expected = o.transpose(1, 2).flatten(-2).matmul(weights["o_proj.weight"].t());
        Assert.True(layer.forward(x).From(expected) < 1e-9);

        Tensor Projected(string name) => x.matmul(weights[$"{name}.weight"].t()).view(2, Tokens, Heads, -1).transpose(1, 2);
    }
}
