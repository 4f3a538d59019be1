using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Dsl.Runtime;

/// <summary>
/// Recurrences by element down the tokens of tiles <c>[..., C, D]</c>: sums of what earlier tokens give, times the factors between, or
/// the same in logarithms. Stretches of tokens are joined to stretches of twice the length, log2 C times; nothing is divided by or
/// subtracted, so that factors may be 0 or negative, and logarithms of any size.
/// </summary>
public static class Scans
{
    /// <summary><c>out[i] = sum_j x[j] (product of a between j and i)</c> over the j that count for i.</summary>
    public static Tensor Linear(Tensor x, Tensor a, ReadPoint point)
    {
        using var scope = torch.NewDisposeScope();
        var sum = Inclusive(x, a);
        if (point == ReadPoint.AfterWrite) return sum.MoveToOuterDisposeScope();
        var before = Delayed(sum, Scalars.Zero);
        return (point == ReadPoint.AfterDecay ? a * before : before).MoveToOuterDisposeScope();
    }

    /// <summary><c>out[j] = sum_i x[i] (product of a between j and i)</c> over the i for which j counts.</summary>
    public static Tensor LinearTransposed(Tensor x, Tensor a, ReadPoint point)
    {
        using var scope = torch.NewDisposeScope();

        // Read backwards in time, a token meets the factor of the token after it; a later token's own factor does not lie between.
        var factors = Delayed(a.flip(-2), Scalars.Zero);
        var later = x.flip(-2);
        var sum = Inclusive(point == ReadPoint.BeforeDecay ? Delayed(later, Scalars.Zero) : later, factors);
        if (point == ReadPoint.AfterDecay) sum = factors * Delayed(sum, Scalars.Zero);
        return sum.flip(-2).MoveToOuterDisposeScope();
    }

    /// <summary><c>out[i] = log(sum_j exp(x[j] + sum of g between j and i))</c> over the j that count for i; minus infinity where none does.</summary>
    public static Tensor Logarithmic(Tensor x, Tensor g, ReadPoint point)
    {
        using var scope = torch.NewDisposeScope();
        var (sum, gates) = Alike(x, g);
        for (var reach = 1L; reach < sum.shape[^2]; reach *= 2)
        {
            var (early, late) = Shifted(sum, reach);
            var (earlyGates, lateGates) = Shifted(gates, reach);
            var joined = torch.logaddexp(late, early.add(lateGates, Scalars.One));
            var reached = lateGates.add(earlyGates, Scalars.One);
            late.copy_(joined);
            lateGates.copy_(reached);
        }

        if (point == ReadPoint.AfterWrite) return sum.MoveToOuterDisposeScope();
        var before = Delayed(sum, Scalars.NegativeInfinity);
        return (point == ReadPoint.AfterDecay ? before.add(g, Scalars.One) : before).MoveToOuterDisposeScope();
    }

    /// <summary>The share of <c>exp(x)</c> in <c>exp(x) + exp(y)</c>: all of it where y is minus infinity, also where both are.</summary>
    public static Tensor Share(Tensor x, Tensor y)
    {
        using var scope = torch.NewDisposeScope();
        return y.neg().add(x, Scalars.One).nan_to_num(double.PositiveInfinity).sigmoid().MoveToOuterDisposeScope();
    }

    /// <summary>The product of the factors of all tokens so far; with <paramref name="exclusive"/> without the token's own.</summary>
    public static Tensor CumulativeProduct(Tensor a, bool exclusive)
    {
        using var scope = torch.NewDisposeScope();
        var product = a.cumprod(-2);
        return (exclusive ? Delayed(product, Scalars.One) : product).MoveToOuterDisposeScope();
    }

    /// <summary>The last token's row, <c>[..., 1, D]</c>.</summary>
    public static Tensor LastRow(Tensor x) => x.narrow(-2, x.shape[^2] - 1, 1);

    /// <summary>A row as the last of <paramref name="rows"/>, the others 0.</summary>
    public static Tensor AtLastRow(Tensor row, long rows, long columns)
    {
        using var scope = torch.NewDisposeScope();
        var result = torch.zeros([.. row.shape[..^2], rows, columns], row.dtype, row.device);
        LastRow(result).copy_(row);
        return result.MoveToOuterDisposeScope();
    }

    private static Tensor Inclusive(Tensor x, Tensor a)
    {
        var (sum, factors) = Alike(x, a);
        for (var reach = 1L; reach < sum.shape[^2]; reach *= 2)
        {
            var (early, late) = Shifted(sum, reach);
            var (earlyFactors, lateFactors) = Shifted(factors, reach);
            var joined = late.addcmul(lateFactors, early, Scalars.One);
            var reached = lateFactors * earlyFactors;
            late.copy_(joined);
            lateFactors.copy_(reached);
        }

        return sum;
    }

    /// <summary>Copies of one shape, to be written to.</summary>
    private static (Tensor X, Tensor Y) Alike(Tensor x, Tensor y)
    {
        var shape = torch.broadcast_shapes(x.shape, y.shape).Shape;
        return (x.expand(shape).clone(), y.expand(shape).clone());
    }

    /// <summary>The tokens that have one so many tokens before them, and those.</summary>
    private static (Tensor Early, Tensor Late) Shifted(Tensor x, long reach) =>
        (x.narrow(-2, 0, x.shape[^2] - reach), x.narrow(-2, reach, x.shape[^2] - reach));

    /// <summary>Each token's row becomes the next one's; the first is a number.</summary>
    private static Tensor Delayed(Tensor x, TorchSharp.Scalar first) =>
        torch.cat([torch.full_like(x.narrow(-2, 0, 1), first), x.narrow(-2, 0, x.shape[^2] - 1)], -2);
}
