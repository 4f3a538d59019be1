using Fla.Dsl.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Ops.Tests.Runtime;

public class DecayedProductsTests
{
    public static TheoryData<long, double, ReadPoint> Cases()
    {
        var cases = new TheoryData<long, double, ReadPoint>();
        foreach (var length in (long[])[1, 2, 5, 16, 48, 64, 128])
            foreach (var gate in (double[])[0, -0.1, -50])
                foreach (var point in Enum.GetValues<ReadPoint>())
                    cases.Add(length, gate, point);

        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void They_equal_the_sums_they_stand_for(long length, double gate, ReadPoint point)
    {
        using var scope = torch.NewDisposeScope();
        var tiles = Tiles.Random(length, gate, ScalarType.Float64);
        var (dot, mix, transposed) = tiles.Evaluate(point);
        var (expectedDot, expectedMix, expectedTransposed) = tiles.Naive(point);

        Close.Assert(expectedDot, dot, 1e-12, "Dot");
        Close.Assert(expectedMix, mix, 1e-12, "Mix");
        Close.Assert(expectedTransposed, transposed, 1e-12, "MixTransposed");
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Fp32_loses_nothing_to_strong_decays(long length, double gate, ReadPoint point)
    {
        using var scope = torch.NewDisposeScope();
        var tiles = Tiles.Random(length, gate, ScalarType.Float32);
        var (dot, mix, transposed) = tiles.Evaluate(point);
        var (expectedDot, expectedMix, expectedTransposed) = tiles.Naive(point);

        // Every exponent is a sum of its own gates: none is known less well for the gates around it.
        Close.Assert(expectedDot, dot, 5e-6, "Dot");
        Close.Assert(expectedMix, mix, 5e-6, "Mix");
        Close.Assert(expectedTransposed, transposed, 5e-6, "MixTransposed");
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Each_is_the_gradient_of_another(long length, double gate, ReadPoint point)
    {
        using var scope = torch.NewDisposeScope();
        var tiles = Tiles.Random(length, gate, ScalarType.Float64);
        var (dot, mix, transposed) = tiles.Evaluate(point);

        var expected = (dot * tiles.A).sum().item<double>();
        Assert.Equal(expected, (tiles.X * mix).sum().item<double>(), 1e-9 * Math.Max(1, Math.Abs(expected)));
        Assert.Equal(expected, (tiles.Y * transposed).sum().item<double>(), 1e-9 * Math.Max(1, Math.Abs(expected)));
    }

    [Theory]
    [InlineData(-1e4)]
    [InlineData(-1e30)]
    public void A_decay_to_nothing_is_exactly_zero(double gate)
    {
        using var scope = torch.NewDisposeScope();
        var tiles = Tiles.Random(64, gate, ScalarType.Float32);
        var (dot, mix, transposed) = tiles.Evaluate(ReadPoint.AfterDecay);

        Close.AssertZero(dot);
        Close.AssertZero(mix);
        Close.AssertZero(transposed);
    }

    [Fact]
    public void One_row_stands_for_all()
    {
        using var scope = torch.NewDisposeScope();
        var tiles = Tiles.Random(32, -0.5, ScalarType.Float64);
        var shared = tiles with { Gates = tiles.Gates[..1], Y = tiles.Y[..1] };
        var (dot, mix, transposed) = shared.Evaluate(ReadPoint.AfterWrite);
        var (expectedDot, expectedMix, expectedTransposed) = shared.Naive(ReadPoint.AfterWrite);

        Close.Assert(expectedDot, dot, 1e-12, "Dot");
        Close.Assert(expectedMix, mix, 1e-12, "Mix");
        Close.Assert(expectedTransposed, transposed, 1e-12, "MixTransposed");
    }

    [Fact]
    public void A_small_decay_after_an_enormous_one_still_counts()
    {
        using var scope = torch.NewDisposeScope();
        var gates = torch.full([1, 1, 8, 1], -0.5, ScalarType.Float32);
        gates[0, 0, 3, 0] = -1e30f;
        var ones = torch.ones([1, 1, 8, 1]);
        var dot = DecayedProducts.Dot(ones, ones, gates, ReadPoint.AfterWrite);

        Assert.Equal(Math.Exp(-1.5), dot[0, 0, 7, 4].item<float>(), 1e-6);
        Assert.Equal(0, dot[0, 0, 7, 2].item<float>());
    }

    private sealed record Tiles(Tensor X, Tensor Y, Tensor A, Tensor Gates)
    {
        public static Tiles Random(long length, double gate, ScalarType dtype)
        {
            var random = new torch.Generator(7);
            Tensor Normal(params long[] shape) => torch.randn(shape, dtype: ScalarType.Float64, generator: random);

            // Around the gate, never above 0.
            var gates = gate * torch.rand([2, 3, length, 5], dtype: ScalarType.Float64, generator: random).mul(0.5).add(0.75);
            return new(
                Normal(2, 3, length, 5).to(dtype), Normal(2, 3, length, 5).to(dtype), Normal(2, 3, length, length).to(dtype), gates.to(dtype));
        }

        public (Tensor, Tensor, Tensor) Evaluate(ReadPoint point) =>
            (DecayedProducts.Dot(X, Y, Gates, point), DecayedProducts.Mix(A, Y, Gates, point), DecayedProducts.MixTransposed(A, X, Gates, point));

        public (Tensor, Tensor, Tensor) Naive(ReadPoint point)
        {
            var (x, y, g, a) = (Flat(X), Flat(Y), Flat(Gates), Flat(A));
            var length = A.shape[^1];
            var (dot, mix, transposed) = (new double[6 * length * length], new double[6 * length * 5], new double[6 * length * 5]);
            for (var r = 0; r < 6; r++)
                for (var i = 0L; i < length; i++)
                    for (var j = 0L; j < (point == ReadPoint.AfterWrite ? i + 1 : i); j++)
                        for (var d = 0L; d < 5; d++)
                        {
                            var (row, column, entry) = ((r * length + i) * 5 + d, (r * length + j) * 5 + d, (r * length + i) * length + j);
                            var decay = 1.0;
                            for (var s = j + 1; s < (point == ReadPoint.BeforeDecay ? i : i + 1); s++) decay *= Math.Exp(g[(r * length + s) * 5 + d]);
                            dot[entry] += x[row] * y[column] * decay;
                            mix[row] += a[entry] * y[column] * decay;
                            transposed[column] += a[entry] * x[row] * decay;
                        }

            return (
                torch.tensor(dot, [2, 3, length, length]),
                torch.tensor(mix, [2, 3, length, 5]),
                torch.tensor(transposed, [2, 3, length, 5]));
        }

        private double[] Flat(Tensor tensor) =>
            tensor.to(ScalarType.Float64).expand([2, 3, .. tensor.shape[2..]]).contiguous().data<double>().ToArray();
    }
}
