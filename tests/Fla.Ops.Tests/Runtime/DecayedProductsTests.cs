using Fla.Dsl.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Ops.Tests.Runtime;

public class DecayedProductsTests
{
    public static TheoryData<long, double, bool, bool> Cases()
    {
        var cases = new TheoryData<long, double, bool, bool>();
        foreach (var length in (long[])[1, 2, 5, 16, 48, 64, 128])
            foreach (var gate in (double[])[0, -0.1, -50])
                foreach (var strict in (bool[])[false, true])
                    cases.Add(length, gate, strict, strict && length % 3 == 2);

        cases.Add(16, -0.1, true, true);
        cases.Add(64, -50, true, true);
        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void They_equal_the_sums_they_stand_for(long length, double gate, bool strict, bool exclusive)
    {
        using var scope = torch.NewDisposeScope();
        var tiles = Tiles.Random(length, gate, exclusive, ScalarType.Float64);
        var (dot, mix, transposed) = tiles.Evaluate(strict);
        var (expectedDot, expectedMix, expectedTransposed) = tiles.Naive(strict);

        Close.Assert(expectedDot, dot, 1e-12, "Dot");
        Close.Assert(expectedMix, mix, 1e-12, "Mix");
        Close.Assert(expectedTransposed, transposed, 1e-12, "MixTransposed");
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Fp32_is_as_accurate_as_its_sums(long length, double gate, bool strict, bool exclusive)
    {
        using var scope = torch.NewDisposeScope();
        var tiles = Tiles.Random(length, gate, exclusive, ScalarType.Float32);
        var (dot, mix, transposed) = tiles.Evaluate(strict);
        var (expectedDot, expectedMix, expectedTransposed) = tiles.Naive(strict);

        // Sums of up to 128 * 50 are known to 5e-4.
        Close.Assert(expectedDot, dot, 1e-3, "Dot");
        Close.Assert(expectedMix, mix, 1e-3, "Mix");
        Close.Assert(expectedTransposed, transposed, 1e-3, "MixTransposed");
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Each_is_the_gradient_of_another(long length, double gate, bool strict, bool exclusive)
    {
        using var scope = torch.NewDisposeScope();
        var tiles = Tiles.Random(length, gate, exclusive, ScalarType.Float64);
        var (dot, mix, transposed) = tiles.Evaluate(strict);

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
        var tiles = Tiles.Random(64, gate, exclusive: false, ScalarType.Float32);
        var (dot, mix, transposed) = tiles.Evaluate(strict: true);

        Close.AssertZero(dot);
        Close.AssertZero(mix);
        Close.AssertZero(transposed);
    }

    [Fact]
    public void One_row_stands_for_all()
    {
        using var scope = torch.NewDisposeScope();
        var tiles = Tiles.Random(32, -0.5, exclusive: false, ScalarType.Float64);
        var shared = tiles with { GateOfX = tiles.GateOfX[..1], GateOfY = tiles.GateOfY[..1], Y = tiles.Y[..1] };
        var (dot, mix, transposed) = shared.Evaluate(strict: false);
        var (expectedDot, expectedMix, expectedTransposed) = shared.Naive(strict: false);

        Close.Assert(expectedDot, dot, 1e-12, "Dot");
        Close.Assert(expectedMix, mix, 1e-12, "Mix");
        Close.Assert(expectedTransposed, transposed, 1e-12, "MixTransposed");
    }

    private sealed record Tiles(Tensor X, Tensor Y, Tensor A, Tensor GateOfX, Tensor GateOfY)
    {
        public static Tiles Random(long length, double gate, bool exclusive, ScalarType dtype)
        {
            var random = new torch.Generator(7);
            Tensor Normal(params long[] shape) => torch.randn(shape, dtype: ScalarType.Float64, generator: random);

            // Around the gate, never above 0.
            var gates = gate * torch.rand([2, 3, length, 5], dtype: ScalarType.Float64, generator: random).mul(0.5).add(0.75);
            var inclusive = gates.cumsum(-2).to(dtype);
            var before = torch.cat([torch.zeros_like(inclusive[.., .., ..1]), inclusive[.., .., ..(int)(length - 1)]], -2);
            return new(
                Normal(2, 3, length, 5).to(dtype), Normal(2, 3, length, 5).to(dtype), Normal(2, 3, length, length).to(dtype),
                exclusive ? before : inclusive, inclusive);
        }

        public (Tensor, Tensor, Tensor) Evaluate(bool strict) => (
            DecayedProducts.Dot(X, Y, GateOfX, GateOfY, strict),
            DecayedProducts.Mix(A, Y, GateOfX, GateOfY, strict),
            DecayedProducts.MixTransposed(A, X, GateOfX, GateOfY, strict));

        public (Tensor, Tensor, Tensor) Naive(bool strict)
        {
            var (x, y, gx, gy) = (Flat(X), Flat(Y), Flat(GateOfX), Flat(GateOfY));
            var a = Flat(A);
            var length = A.shape[^1];
            var (dot, mix, transposed) = (new double[6 * length * length], new double[6 * length * 5], new double[6 * length * 5]);
            for (var r = 0; r < 6; r++)
                for (var i = 0L; i < length; i++)
                    for (var j = 0L; j < (strict ? i : i + 1); j++)
                        for (var d = 0L; d < 5; d++)
                        {
                            var (row, column, entry) = ((r * length + i) * 5 + d, (r * length + j) * 5 + d, (r * length + i) * length + j);
                            var decay = Math.Exp(gx[row] - gy[column]);
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
