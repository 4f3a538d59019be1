using Fla.Dsl.Runtime;
using static TorchSharp.torch;

namespace Fla.Ops.Tests.Runtime;

/// <summary>Scans against the sums they stand for, token by token.</summary>
public class ScansTests
{
    public static TheoryData<int, ReadPoint> Cases
    {
        get
        {
            var cases = new TheoryData<int, ReadPoint>();
            foreach (var length in (int[])[1, 2, 3, 16, 31, 64])
                foreach (var point in Enum.GetValues<ReadPoint>())
                    cases.Add(length, point);
            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Linear_scans_take_factors_of_any_sign_and_zero(int length, ReadPoint point)
    {
        using var scope = NewDisposeScope();
        var random = new Random(length);
        var a = Enumerable.Range(0, length).Select(_ => random.Next(4) == 0 ? 0 : (2 * random.NextDouble()) - 1).ToArray();
        var x = Enumerable.Range(0, length).Select(_ => random.NextDouble()).ToArray();
        var expected = Pairs(length, point, (i, j, between) => (i, x[j] * between.Select(s => a[s]).Aggregate(1.0, (p, f) => p * f)));
        var transposed = Pairs(length, point, (i, j, between) => (j, x[i] * between.Select(s => a[s]).Aggregate(1.0, (p, f) => p * f)));

        Assert.Equal(expected, Numbers(Scans.Linear(Tile(x), Tile(a), point)), Same);
        Assert.Equal(transposed, Numbers(Scans.LinearTransposed(Tile(x), Tile(a), point)), Same);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Logarithmic_scans_take_logarithms_of_any_size(int length, ReadPoint point)
    {
        using var scope = NewDisposeScope();
        var random = new Random(length);
        var g = Enumerable.Range(0, length).Select(_ => -random.NextDouble()).ToArray();
        var x = Enumerable.Range(0, length).Select(_ => 10 * random.NextDouble()).ToArray();
        var expected = Pairs(length, point, (i, j, between) => (i, Math.Exp(x[j] + between.Sum(s => g[s])))).Select(sum => Math.Log(sum));

        // Far beyond what an exponential holds the result is the same, shifted.
        foreach (var shift in (double[])[0, 2000, -2000])
        {
            var result = Numbers(Scans.Logarithmic(Tile([.. x.Select(x => x + shift)]), Tile(g), point));
            Assert.Equal(expected.Select(y => y + shift), result, (a, b) => a.Equals(b) || Math.Abs(a - b) < 1e-9);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    public void A_cumulative_product_is_with_or_without_the_tokens_own(int length)
    {
        using var scope = NewDisposeScope();
        double[] a = [.. Enumerable.Range(0, length).Select(i => i == 2 ? 0 : 0.5 - i)];
        var products = Enumerable.Range(1, length).Select(n => a.Take(n).Aggregate(1.0, (p, f) => p * f)).ToArray();
        Assert.Equal(products, Numbers(Scans.CumulativeProduct(Tile(a), exclusive: false)), Same);
        Assert.Equal([1, .. products[..^1]], Numbers(Scans.CumulativeProduct(Tile(a), exclusive: true)), Same);
    }

    [Theory]
    [InlineData(1, 2)]
    [InlineData(800, -800)]
    [InlineData(double.NegativeInfinity, 3)]
    [InlineData(3, double.NegativeInfinity)]
    public void Shares_of_a_sum_add_up_to_one(double x, double y)
    {
        using var scope = NewDisposeScope();
        var (share, other) = (Numbers(Scans.Share(Tile([x]), Tile([y])))[0], Numbers(Scans.Share(Tile([y]), Tile([x])))[0]);
        Assert.Equal(1, share + other, 1e-12);
        Assert.Equal(1 / (1 + Math.Exp(y - x)), share, 1e-12);
    }

    /// <summary>For each pair of tokens i and j, where j counts for i, a term and the place it is added to.</summary>
    private static double[] Pairs(int length, ReadPoint point, Func<int, int, IEnumerable<int>, (int Place, double Term)> term)
    {
        var sums = new double[length];
        for (var i = 0; i < length; i++)
            for (var j = 0; j <= (point == ReadPoint.AfterWrite ? i : i - 1); j++)
            {
                var last = point == ReadPoint.BeforeDecay ? i - 1 : i;
                var (place, value) = term(i, j, Enumerable.Range(j + 1, last - j));
                sums[place] += value;
            }

        return sums;
    }

    /// <summary>One channel of a tile of two rows and two channels, which are alike.</summary>
    private static Tensor Tile(double[] tokens) => tensor(tokens, ScalarType.Float64).view(1, 1, -1, 1).expand(2, 1, -1, 2);

    private static double[] Numbers(Tensor tile)
    {
        Assert.True(tile[1, 0, TensorIndex.Colon, 1].allclose(tile[0, 0, TensorIndex.Colon, 0]));
        return tile[1, 0, TensorIndex.Colon, 1].contiguous().data<double>().ToArray();
    }

    private static bool Same(double a, double b) => Math.Abs(a - b) < 1e-12;
}
