using Fla.Layers.Modules;
using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Layers.Tests.Modules;

public class FeatureMapTests
{
    private const int Dim = 5;

    private static Tensor Random(params long[] shape) => randn(shape, dtype: ScalarType.Float64);

    [Fact]
    public void Taylor_features_make_the_series_of_the_exponential()
    {
        using var scope = NewDisposeScope();
        var (q, k, map) = (Random(7, Dim), Random(7, Dim), new TaylorFeatureMap(Dim));
        var s = (q * k).sum(-1) / Math.Sqrt(Dim);
        Assert.Equal([7, 1 + Dim + Dim * (Dim + 1) / 2], map.forward(q).shape);
        Assert.True((map.forward(q) * map.forward(k)).sum(-1).From(1 + s + s * s / 2) < 1e-12);
    }

    [Theory]
    [InlineData(true, true, true)]
    [InlineData(true, false, false)]
    [InlineData(false, false, true)]
    public void Rebased_features_make_a_squared_product_of_normalised_vectors(bool gamma, bool beta, bool normalize)
    {
        using var scope = NewDisposeScope();
        var map = new RebasedFeatureMap(Dim, gamma, beta, normalize).to(ScalarType.Float64);
        using (no_grad())
            foreach (var parameter in map.parameters())
                parameter.copy_(randn(Dim));
        var weights = map.state_dict();
        var (q, k) = (Random(7, Dim), Random(7, Dim));
        var products = (map.forward(q) * map.forward(k)).sum(-1);
        Assert.True(products.From((Vector(q) * Vector(k)).sum(-1).square() / Dim) < 1e-12);
        Assert.True(map.Normalized(q).From(Vector(q)) < 1e-12);

        Tensor Vector(Tensor x)
        {
            var u = normalize ? (x - x.mean([-1], true)) / (x.var([-1], unbiased: false, keepdim: true) + 1e-5).sqrt() : x;
            return (gamma ? u * weights["gamma"] : u) + (beta ? weights["beta"] : 0);
        }
    }

    [Fact]
    public void Learned_maps_are_their_formulas()
    {
        using var scope = NewDisposeScope();
        var x = randn(3, Dim);
        var hadamard = new HadamardFeatureMap(Dim);
        Assert.True(hadamard.forward(x).From(Mapped(hadamard, "layer1", x) * Mapped(hadamard, "layer2", x)) < 1e-6);
        var t2r = new T2RFeatureMap(Dim, 3);
        Assert.True(t2r.forward(x).From(Mapped(t2r, "layer", x).relu()) < 1e-6);
        var hedgehog = new HedgehogFeatureMap(Dim);
        Assert.True(hedgehog.forward(x).From(cat([2 * x, -2 * x], -1).softmax(-1)) < 1e-6);

        var outer = new LearnableOuterProductFeatureMap(Dim, 2);
        var (a, b) = (Mapped(outer, "layer1", x), Mapped(outer, "layer2", x));
        var expected = stack([a[.., 0] * b[.., 0], a[.., 0] * b[.., 1], a[.., 1] * b[.., 1]], -1);
        Assert.True(outer.forward(x).From(expected) < 1e-6);
    }

    [Fact]
    public void Dpfp_multiplies_each_part_with_its_neighbours()
    {
        using var scope = NewDisposeScope();
        var y = new DPFPFeatureMap(nu: 2).forward(tensor(new[] { 1.0, -1.0, 2.0 }));
        // u = [1, 0, 2, -1, 0, -2]; rolled by 1: [-2, 1, 0, 2, -1, 0]; by 2: [0, -2, 1, 0, 2, -1]
        Assert.Equal([-2, 0, 0, -2, 0, 0, 0, 0, 2, 0, 0, 2], y.data<double>().ToArray());
    }

    [Fact]
    public void T2R_prints_as_PyTorch_prints_it() =>
        Assert.Equal("T2RFeatureMap(head_dim=5, dot_dim=5, bias=False)", new T2RFeatureMap(Dim).ToString());

    [Fact]
    public void A_shift_without_a_scale_is_refused() =>
        Assert.Throws<ArgumentException>("useBeta", () => new RebasedFeatureMap(Dim, useGamma: false));

    private static Tensor Mapped(nn.Module map, string layer, Tensor x)
    {
        var weights = map.state_dict();
        var y = x.matmul(weights[$"{layer}.weight"].t());
        return weights.TryGetValue($"{layer}.bias", out var bias) ? y + bias : y;
    }
}
