using Fla.Layers.Tests.Modules;
using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Layers.Tests.Layers;

public class AttentionTests
{
    private const int Size = 16, Tokens = 9;

    [Theory]
    [InlineData(4, null, false)]
    [InlineData(2, 3, true)]
    [InlineData(1, 1, true)]
    public void A_token_sees_its_window_through_normalised_queries_and_shared_keys(int kvHeads, int? window, bool options)
    {
        using var scope = NewDisposeScope();
        const int Heads = 4, Dim = 4;
        const double Theta = 500;
        manual_seed(1706);
        var layer = new Attention(Size, Heads, kvHeads, qkvBias: options, qkNorm: options, window, Theta);
        layer.to(ScalarType.Float64);
        using (no_grad())
            foreach (var parameter in layer.parameters())
                parameter.add_(randn_like(parameter) * 0.3);

        var (x, weights) = (randn(1, Tokens, Size, dtype: ScalarType.Float64), layer.state_dict());
        var (q, k, v) = (Projected("q_proj", Heads), Projected("k_proj", kvHeads), Projected("v_proj", kvHeads));
        var o = zeros(Tokens, Size, dtype: ScalarType.Float64);
        for (var h = 0; h < Heads; h++)
        {
            var kept = h / (Heads / kvHeads);
            for (var t = 0; t < Tokens; t++)
            {
                var first = Math.Max(0, t - (window ?? Tokens) + 1);
                var query = Rotation.Turned(Normalised(q[t, h], "q_norm"), t, Theta);
                var keys = stack(Enumerable.Range(first, t - first + 1)
                    .Select(s => Rotation.Turned(Normalised(k[s, kept], "k_norm"), s, Theta)));
                var shares = (keys.mv(query) / Math.Sqrt(Dim)).softmax(0);
                o[t, (h * Dim)..((h + 1) * Dim)] = shares.matmul(v[first..(t + 1), kept]);
            }
        }

        Assert.True(layer.forward(x, null)[0].From(o.matmul(weights["o_proj.weight"].t())) < 1e-9);

        Tensor Projected(string name, int heads)
        {
            var y = x[0].matmul(weights[$"{name}.weight"].t());
            return (options ? y + weights[$"{name}.bias"] : y).view(Tokens, heads, Dim);
        }

        Tensor Normalised(Tensor vector, string name) =>
            options ? vector / (vector.square().mean() + 1e-5).sqrt() * weights[$"{name}.weight"] : vector;
    }
}
