using Fla.Dsl.Runtime.Launch;
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

    /// <summary>A matrix as one row of its elements, row by row: <c>[.., R, C]</c> to <c>[.., 1, R * C]</c>.</summary>
    public static Tensor Flatten(Tensor x) => x.flatten(-2).unsqueeze(-2);

    /// <summary>The matrix whose elements are a row: <c>[.., 1, R * C]</c> to <c>[.., R, C]</c>.</summary>
    public static Tensor Unflatten(Tensor x, long rows, long columns) => x.reshape([.. x.shape[..^2], rows, columns]);

    /// <summary>For each token the outer product of two vectors, flattened: <c>[.., C, R]</c> and <c>[.., C, D]</c> to <c>[.., C, R * D]</c>.</summary>
    public static Tensor RowOuter(Tensor x, Tensor y)
    {
        using var scope = torch.NewDisposeScope();
        return (x.unsqueeze(-1) * y.unsqueeze(-2)).flatten(-2).MoveToOuterDisposeScope();
    }

    /// <summary>For each token <c>x^T z</c> of a vector and a flattened matrix: <c>[.., C, R]</c> and <c>[.., C, R * D]</c> to <c>[.., C, D]</c>.</summary>
    public static Tensor RowDotLeft(Tensor x, Tensor z)
    {
        using var scope = torch.NewDisposeScope();
        return x.unsqueeze(-2).matmul(z.reshape([.. z.shape[..^1], x.shape[^1], -1])).squeeze(-2).MoveToOuterDisposeScope();
    }

    /// <summary>For each token <c>z y</c> of a flattened matrix and a vector: <c>[.., C, R * D]</c> and <c>[.., C, D]</c> to <c>[.., C, R]</c>.</summary>
    public static Tensor RowDotRight(Tensor z, Tensor y)
    {
        using var scope = torch.NewDisposeScope();
        return z.reshape([.. z.shape[..^1], -1, y.shape[^1]]).matmul(y.unsqueeze(-1)).squeeze(-1).MoveToOuterDisposeScope();
    }

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
    /// <remarks>
    /// By substitution, in fp64; no inverse is formed. So the residual of the u computed is, element by element, at most
    /// <c>eps |I - l| |u|</c> for a unit roundoff eps of its type and what C tokens add to it in fp64, whatever l is: Higham, Accuracy and
    /// Stability of Numerical Algorithms, 2nd ed., theorem 8.5. In fp32 it would be C times as much, which the solves of several writes a
    /// token, one built upon another, make more of, and how much more depends on the processor.
    /// </remarks>
    public static Tensor SolveUnitLower(Tensor l, Tensor r, bool transposed)
    {
        using var scope = torch.NewDisposeScope();
        var (negative, right) = (-l.In(torch.float64), r.In(torch.float64));
        var u = transposed
            ? torch.linalg.solve_triangular(negative.mT, right, upper: true, unitriangular: true)
            : torch.linalg.solve_triangular(negative, right, upper: false, unitriangular: true);
        return u.In(r.dtype).MoveToOuterDisposeScope();
    }
}
