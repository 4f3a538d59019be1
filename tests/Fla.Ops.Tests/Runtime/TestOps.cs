using Fla.Dsl;

namespace Fla.Ops.Tests.Runtime;

/// <summary>Recurrences that have between them everything a signature can have.</summary>
internal static class TestOps
{
    /// <summary>
    /// Scalar decay per token and per head, a matrix and a vector state, a default:
    /// <c>S = exp(g + gamma) S + k v^T; z = exp(g + gamma) z + v; o = scale q S + z</c>. Its programs are written by hand.
    /// </summary>
    public static TestOp DecayingSums { get; } = TestOp.Make(
        "DecayingSums",
        hasHeads: true,
        [
            new("q", ["K"], ArgumentRole.Token),
            new("k", ["K"], ArgumentRole.Token),
            new("v", ["V"], ArgumentRole.Token),
            new("g", [], ArgumentRole.Token, IsLogDecay: true),
            new("gamma", [], ArgumentRole.PerHead, Default: (head, heads) => -0.1 * (head + 1) / heads),
            new("scale", [], ArgumentRole.Scale),
        ],
        [new("S", ["K", "V"]), new("z", ["V"])],
        ["V"],
        (arguments, states) =>
        {
            if (arguments is not [var q, var k, var v, var g, var gamma, var scale] || states is not [var S, var z])
                throw new InvalidOperationException();

            var decay = (g + gamma).exp();
            S = decay * S + k.transpose(-2, -1).matmul(v);
            z = decay * z + v;
            return (scale * q.matmul(S) + z, [S, z]);
        },
        DecayingSumsPrograms.Chunk,
        DecayingSumsPrograms.Single);

    /// <summary>No heads, vector decay, a vector per head without heads: <c>h = exp(g) h + x; o = h + w x</c>.</summary>
    public static TestOp GatedScan { get; } = TestOp.Make(
        "GatedScan",
        hasHeads: false,
        [new("x", ["D"], ArgumentRole.Token), new("g", ["D"], ArgumentRole.Token, IsLogDecay: true), new("w", ["D"], ArgumentRole.PerHead)],
        [new("h", ["D"])],
        ["D"],
        (arguments, states) =>
        {
            var h = arguments[1].exp() * states[0] + arguments[0];
            return (h + arguments[2] * arguments[0], [h]);
        });

    /// <summary>A matrix per head, a scalar output: <c>S = b S + A * k x^T; o = k S x</c>.</summary>
    public static TestOp MatrixGain { get; } = TestOp.Make(
        "MatrixGain",
        hasHeads: true,
        [
            new("k", ["K"], ArgumentRole.Token),
            new("x", ["V"], ArgumentRole.Token),
            new("b", [], ArgumentRole.Token),
            new("A", ["K", "V"], ArgumentRole.PerHead),
        ],
        [new("S", ["K", "V"])],
        [],
        (arguments, states) =>
        {
            var (k, x, b, A) = (arguments[0], arguments[1], arguments[2], arguments[3]);
            var S = b * states[0] + A * k.transpose(-2, -1).matmul(x);
            return ((k.matmul(S) * x).sum(-1, keepdim: true), [S]);
        });
}
