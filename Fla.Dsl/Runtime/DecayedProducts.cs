using System.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Dsl.Runtime;

/// <summary>
/// Products of the tokens i and j of a chunk over a dimension d that decays by exp(gx[i, d] - gy[j, d]) from j to i: the three of
/// them, each the gradient of another. gy is the inclusive sum of the log-decays from the chunk's start, gx the same or that of the
/// tokens before i. Tiles are <c>[..., C, D]</c> and broadcast over the leading axes; C is any length.
/// </summary>
/// <remarks>
/// <para>The factor cannot be split into exp(gx[i]) exp(-gy[j]): the second overflows for a strong decay. So the lower triangle is
/// halved: of two neighbouring blocks of s tokens, lo and hi, the rectangle (hi, lo) takes the sum at the end of lo as its reference
/// point r and is one product of exp(gx[i] - r) and exp(r - gy[j]), where no exponent is above 0 for i in hi and j in lo; then the two
/// triangles left are halved in the same way, down to single tokens. All rectangles of a size are one batched product.</para>
/// <para>Accuracy is that of the sums: after a log-decay of -1e4, fp32 tells decays apart by 1e-3. Gates must be finite.</para>
/// </remarks>
public static class DecayedProducts
{
    /// <summary><c>L[i, j] = sum_d x[i, d] y[j, d] exp(gx[i, d] - gy[j, d])</c> for j &lt;= i, or j &lt; i if strict; else 0: <c>[..., C, C]</c>.</summary>
    public static Tensor Dot(Tensor x, Tensor y, Tensor gx, Tensor gy, bool strict)
    {
        using var scope = torch.NewDisposeScope();
        var halving = new Halving(gx, gy);
        (x, y) = (halving.Padded(x), halving.Padded(y));
        var result = torch.zeros([.. Leading(x, y, gx, gy), halving.Length, halving.Length], x.dtype, x.device);
        if (!strict)
            result.diagonal(0, -2, -1).copy_((halving.OwnDecay is { } own ? x * y * own : x * y).sum(-1));

        foreach (var level in halving.Levels())
            level.Rectangles(result).copy_((level.Hi(x) * level.ToHi).matmul((level.Lo(y) * level.FromLo).transpose(-2, -1)));

        return halving.Unpadded(halving.Unpadded(result, -1), -2).MoveToOuterDisposeScope();
    }

    /// <summary><c>out[i, d] = sum_j a[i, j] y[j, d] exp(gx[i, d] - gy[j, d])</c> over j &lt;= i, or j &lt; i if strict: <c>[..., C, D]</c>.</summary>
    public static Tensor Mix(Tensor a, Tensor y, Tensor gx, Tensor gy, bool strict)
    {
        using var scope = torch.NewDisposeScope();
        var halving = new Halving(gx, gy);
        (a, y) = (halving.PaddedSquare(a), halving.Padded(y));
        var result = Start(halving, a, y, strict, [.. Leading(a, y, gx, gy), halving.Length, y.shape[^1]]);
        foreach (var level in halving.Levels())
            level.Hi(result).add_(level.Rectangles(a).matmul(level.Lo(y) * level.FromLo).mul_(level.ToHi));

        return halving.Unpadded(result, -2).MoveToOuterDisposeScope();
    }

    /// <summary><c>out[j, d] = sum_i a[i, j] x[i, d] exp(gx[i, d] - gy[j, d])</c> over i &gt;= j, or i &gt; j if strict: <c>[..., C, D]</c>.</summary>
    public static Tensor MixTransposed(Tensor a, Tensor x, Tensor gx, Tensor gy, bool strict)
    {
        using var scope = torch.NewDisposeScope();
        var halving = new Halving(gx, gy);
        (a, x) = (halving.PaddedSquare(a), halving.Padded(x));
        var result = Start(halving, a, x, strict, [.. Leading(a, x, gx, gy), halving.Length, x.shape[^1]]);
        foreach (var level in halving.Levels())
            level.Lo(result).add_(level.Rectangles(a).transpose(-2, -1).matmul(level.Hi(x) * level.ToHi).mul_(level.FromLo));

        return halving.Unpadded(result, -2).MoveToOuterDisposeScope();
    }

    // What a token contributes to itself.
    private static Tensor Start(Halving halving, Tensor a, Tensor tile, bool strict, long[] shape)
    {
        var result = torch.zeros(shape, tile.dtype, tile.device);
        if (!strict)
        {
            var own = a.diagonal(0, -2, -1).unsqueeze(-1) * tile;
            result.add_(halving.OwnDecay is { } decay ? own * decay : own);
        }

        return result;
    }

    private static long[] Leading(params Tensor[] tensors) =>
        tensors.Select(tensor => tensor.shape[..^2]).Aggregate((a, b) => torch.broadcast_shapes(a, b).Shape);

    /// <summary>The decays of a chunk, cut into rectangles. A length that is no power of two is padded to one.</summary>
    private sealed class Halving
    {
        private readonly Tensor gx, gy;
        private readonly long own;

        public Halving(Tensor gx, Tensor gy)
        {
            own = gy.shape[^2];
            Length = (long)BitOperations.RoundUpToPowerOf2((ulong)own);
            OwnDecay = ReferenceEquals(gx, gy) ? null : PaddedWithLast(gx).sub(PaddedWithLast(gy)).exp_();
            (this.gx, this.gy) = (PaddedWithLast(gx), PaddedWithLast(gy));
        }

        public long Length { get; }

        /// <summary>Between a token and itself; null for 1.</summary>
        public Tensor? OwnDecay { get; }

        public Tensor Padded(Tensor tile) => Length == own
            ? tile
            : torch.cat([tile, torch.zeros([.. tile.shape[..^2], Length - own, tile.shape[^1]], tile.dtype, tile.device)], -2);

        public Tensor PaddedSquare(Tensor square) => Length == own ? square : Padded(Padded(square).transpose(-2, -1)).transpose(-2, -1);

        public Tensor Unpadded(Tensor tensor, long axis) => Length == own ? tensor : tensor.narrow(axis, 0, own);

        public IEnumerable<Level> Levels()
        {
            for (var size = 1L; size < Length; size *= 2)
            {
                using var scope = torch.NewDisposeScope();
                yield return new Level(size, gx, gy);
            }
        }

        // No decay within the padding.
        private Tensor PaddedWithLast(Tensor sums)
        {
            if (Length == own)
                return sums;

            var last = sums.narrow(-2, own - 1, 1);
            return torch.cat([sums, last.expand([.. sums.shape[..^2], Length - own, sums.shape[^1]])], -2);
        }
    }

    /// <summary>The rectangles of one size: pairs of neighbouring blocks of that many tokens.</summary>
    private sealed class Level
    {
        private readonly long size;

        public Level(long size, Tensor gx, Tensor gy)
        {
            this.size = size;
            var lo = Lo(gy);
            var reference = lo.narrow(-2, size - 1, 1);
            FromLo = (reference - lo).exp_();
            ToHi = (Hi(gx) - reference).exp_();
        }

        /// <summary>The decay from each token of lo to the end of lo.</summary>
        public Tensor FromLo { get; }

        /// <summary>The decay from the end of lo to each token of hi.</summary>
        public Tensor ToHi { get; }

        /// <summary>The first blocks of the pairs of a tile <c>[..., C, D]</c>: <c>[..., pairs, size, D]</c>.</summary>
        public Tensor Lo(Tensor tile) => Pairs(tile).select(-3, 0);

        /// <summary>The second blocks.</summary>
        public Tensor Hi(Tensor tile) => Pairs(tile).select(-3, 1);

        /// <summary>The rectangles (hi, lo) of a square <c>[..., C, C]</c>, as a view: <c>[..., pairs, size, size]</c>.</summary>
        public Tensor Rectangles(Tensor square) =>
            square.view([.. square.shape[..^2], PairsIn(square), 2 * size, PairsIn(square), 2 * size])
                .diagonal(0, -4, -2)                                            // [..., 2 size, 2 size, pairs]
                .narrow(-3, size, size).narrow(-2, 0, size)
                .movedim([-1], [-3]);

        private Tensor Pairs(Tensor tile) => tile.view([.. tile.shape[..^2], PairsIn(tile), 2, size, tile.shape[^1]]);

        private long PairsIn(Tensor tensor) => tensor.shape[^2] / (2 * size);
    }
}
