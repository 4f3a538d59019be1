using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Dsl.Runtime;

/// <summary>The operations of generated code that TorchSharp lacks. Tiles are <c>[rows, H, R, C]</c>; time runs down the third axis.</summary>
public static class Tiles
{
    /// <summary>Lets results outlive the dispose scope of the method that made them.</summary>
    public static Tensor[] Keep(params Tensor[] results)
    {
        foreach (var result in results) result.MoveToOuterDisposeScope();
        return results;
    }

    /// <summary>A tile <c>[1, 1, rows, columns]</c> of one number, of the type and on the device of <paramref name="like"/>.</summary>
    public static Tensor Filled(double value, long rows, long columns, Tensor like) =>
        torch.tensor(value, like.dtype, like.device).expand(1, 1, rows, columns);

    /// <summary>1 where x is positive, else 0.</summary>
    public static Tensor Heaviside(Tensor x) => x.gt(Scalars.Zero).to(x.dtype);

    /// <summary><c>log(1 + exp(x))</c> with no threshold beyond which it is x: its derivative is the sigmoid everywhere.</summary>
    public static Tensor Softplus(Tensor x) => torch.logaddexp(x, torch.zeros_like(x));

    /// <summary>The sum of the tokens up to each one, or with <paramref name="reverse"/> from it on; with <paramref name="exclusive"/> without itself.</summary>
    public static Tensor CumulativeSum(Tensor x, bool reverse, bool exclusive)
    {
        if (x.shape[^2] == 1) return exclusive ? torch.zeros_like(x) : x.alias();
        using var scope = torch.NewDisposeScope();
        var sum = reverse ? x.flip(-2).cumsum(-2).flip(-2) : x.cumsum(-2);
        if (!exclusive) return sum.MoveToOuterDisposeScope();

        // Shifting keeps what subtracting x from the sum would lose beside a large x.
        var zero = torch.zeros_like(x.narrow(-2, 0, 1));
        var rest = x.shape[^2] - 1;
        return (reverse ? torch.cat([sum.narrow(-2, 1, rest), zero], -2) : torch.cat([zero, sum.narrow(-2, 0, rest)], -2)).MoveToOuterDisposeScope();
    }

    /// <summary>x <c>[.., C, C]</c> where token j (column) counts for token i (row), else 0.</summary>
    public static Tensor CausalMask(Tensor x, ReadPoint point) => x.tril(point == ReadPoint.AfterWrite ? 0 : -1);

    /// <summary>From log-decays g <c>[.., C, 1]</c>: <c>exp(sum of g between j and i)</c> where j counts for i, else 0: <c>[.., C, C]</c>.</summary>
    public static Tensor DecayMatrix(Tensor g, ReadPoint point)
    {
        using var scope = torch.NewDisposeScope();
        var length = g.shape[^2];

        // Column j sums the gates after j down the rows: each entry adds up its own stretch, none is a difference of longer sums.
        var gates = point == ReadPoint.BeforeDecay ? torch.cat([torch.zeros_like(g.narrow(-2, 0, 1)), g.narrow(-2, 0, length - 1)], -2) : g;
        var stretches = gates.expand([.. g.shape[..^1], length]).tril(point == ReadPoint.BeforeDecay ? -2 : -1).cumsum(-2);
        return stretches.exp().tril(point == ReadPoint.AfterWrite ? 0 : -1).MoveToOuterDisposeScope();
    }

    /// <summary>Solves <c>(I - l) u = r</c> for a strictly lower l, or <c>(I - l)^T u = r</c>.</summary>
    public static Tensor SolveUnitLower(Tensor l, Tensor r, bool transposed)
    {
        using var scope = torch.NewDisposeScope();
        var negative = -l;
        var u = transposed
            ? torch.linalg.solve_triangular(negative.mT, r, upper: true, unitriangular: true)
            : torch.linalg.solve_triangular(negative, r, upper: false, unitriangular: true);
        return u.MoveToOuterDisposeScope();
    }
}
