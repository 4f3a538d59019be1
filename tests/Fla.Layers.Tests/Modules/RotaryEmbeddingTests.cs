using Fla.Layers.Modules;
using static TorchSharp.torch;

namespace Fla.Layers.Tests.Modules;

public class RotaryEmbeddingTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Each_pair_of_channels_is_turned_by_its_angle(bool interleaved)
    {
        using var scope = NewDisposeScope();
        var x = randn(1, 5, 1, 6, dtype: ScalarType.Float64);
        using var rotary = new RotaryEmbedding(4, 100, interleaved);
        var turned = rotary.forward(x, x, 3).Q;
        for (var t = 0; t < 5; t++)
        {
            for (var i = 0; i < 2; i++)
            {
                var (first, second) = interleaved ? (2 * i, 2 * i + 1) : (i, i + 2);
                var (a, b) = (x[0, t, 0, first].item<double>(), x[0, t, 0, second].item<double>());
                var angle = (t + 3) * Math.Pow(100, -i / 2.0);
                Assert.Equal(a * Math.Cos(angle) - b * Math.Sin(angle), turned[0, t, 0, first].item<double>(), 1e-9);
                Assert.Equal(a * Math.Sin(angle) + b * Math.Cos(angle), turned[0, t, 0, second].item<double>(), 1e-9);
            }

            Assert.Equal(x[0, t, 0, 5].item<double>(), turned[0, t, 0, 5].item<double>());
        }
    }

    [Fact]
    public void Products_depend_on_the_distance_alone()
    {
        using var scope = NewDisposeScope();
        var (q, k) = (randn(2, 7, 3, 8, dtype: ScalarType.Float64), randn(2, 7, 1, 8, dtype: ScalarType.Float64));
        using var rotary = new RotaryEmbedding(8);
        var (q0, k0) = rotary.forward(q, k);
        var (q1, k1) = rotary.forward(q, k, 1234);
        var products = einsum("bihd,bjgd->bhij", q0, k0);
        Assert.True((products - einsum("bihd,bjgd->bhij", q1, k1)).abs().max().item<double>() < 1e-9);
    }

    [Fact]
    public void Positions_may_differ_between_sequences()
    {
        using var scope = NewDisposeScope();
        var q = randn(2, 4, 2, 8);
        using var rotary = new RotaryEmbedding(8);
        var (both, _) = rotary.forward(q, q, tensor(new long[,] { { 0, 0, 0, 1 }, { 5, 6, 7, 8 } }));
        Assert.True(both[1].allclose(rotary.forward(q, q, 5).Q[1], atol: 1e-6));
        Assert.True(both[0, 3].allclose(rotary.forward(q[.., 3..], q[.., 3..], 1).Q[0, 0], atol: 1e-6));
        Assert.True(both[0, 2].equal(q[0, 2]).all().item<bool>());
    }

    [Fact]
    public void What_cannot_be_turned_is_refused()
    {
        Assert.Throws<ArgumentException>(() => new RotaryEmbedding(7));
        Assert.Throws<ArgumentException>(() => new RotaryEmbedding(8, 0));
        using var rotary = new RotaryEmbedding(8);
        Assert.Throws<ArgumentException>(() => rotary.forward(zeros(1, 2, 3, 4), zeros(1, 2, 3, 4)));
        Assert.Throws<ArgumentException>(() => rotary.forward(zeros(1, 2, 3, 8), zeros(1, 2, 3, 8), zeros(1, 3)));
    }

    [Fact]
    public void It_prints_as_flash_linear_attention_prints_it() =>
        Assert.Equal("RotaryEmbedding(dim=64, base=10000.0, interleaved=False, pos_idx_in_fp32=True)", new RotaryEmbedding(64).ToString());
}
