using System.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Dsl.Runtime;

/// <summary>
/// Products of the tokens i and j of a chunk over a dimension d whose share decays by the gates between them: the three of them, each
/// the gradient of another. Tiles are <c>[..., C, D]</c>, the log-decays g among them, and broadcast over the leading axes; C is any
/// length. Which j count for i, and which gates lie between them, is the <see cref="ReadPoint"/>.
/// </summary>
/// <remarks>
/// The decay cannot be split into exp(G[i]) exp(-G[j]): the second overflows where the decay is strong, and the sums G lose the small
/// gates beside the large ones. So the lower triangle is halved: of two neighbouring blocks of s tokens, lo and hi, the rectangle
/// (hi, lo) is one product of what decays from j to the end of lo and from there to i, where every exponent is a sum of gates of that
/// stretch alone and none is above 0; then the two triangles left are halved in the same way, down to single tokens. All
/// rectangles of a size are one batched product.
/// </remarks>
public static class DecayedProducts
{
    /// <summary><c>L[i, j] = sum_d x[i, d] y[j, d] exp(sum of g[., d] between j and i)</c> where j counts for i, else 0: <c>[..., C, C]</c>.</summary>
    public static Tensor Dot(Tensor x, Tensor y, Tensor g, ReadPoint point)
    {
        using var scope = torch.NewDisposeScope();
        var halving = new Halving(g, point);
        (x, y) = (halving.Padded(x), halving.Padded(y));
        var result = torch.zeros([.. Leading(x, y, g), halving.Length, halving.Length], x.dtype, x.device);
        if (point == ReadPoint.AfterWrite) result.diagonal(0, -2, -1).copy_((x * y).sum(-1));
        foreach (var level in halving.Levels())
            level.Rectangles(result).copy_((level.Hi(x) * level.ToHi).matmul((level.Lo(y) * level.FromLo).mT));

        return halving.Unpadded(halving.Unpadded(result, -1), -2).MoveToOuterDisposeScope();
    }

    /// <summary><c>out[i, d] = sum_j a[i, j] y[j, d] exp(sum of g[., d] between j and i)</c> over the j that count for i: <c>[..., C, D]</c>.</summary>
    public static Tensor Mix(Tensor a, Tensor y, Tensor g, ReadPoint point)
    {
        using var scope = torch.NewDisposeScope();
        var halving = new Halving(g, point);
        (a, y) = (halving.PaddedSquare(a), halving.Padded(y));
        var result = OwnShare(a, y, point, [.. Leading(a, y, g), halving.Length, y.shape[^1]]);
        foreach (var level in halving.Levels())
            level.Hi(result).add_(level.Rectangles(a).matmul(level.Lo(y) * level.FromLo).mul_(level.ToHi), Scalars.One);

        return halving.Unpadded(result, -2).MoveToOuterDisposeScope();
    }

    /// <summary><c>out[j, d] = sum_i a[i, j] x[i, d] exp(sum of g[., d] between j and i)</c> over the i for which j counts: <c>[..., C, D]</c>.</summary>
    public static Tensor MixTransposed(Tensor a, Tensor x, Tensor g, ReadPoint point)
    {
        using var scope = torch.NewDisposeScope();
        var halving = new Halving(g, point);
        (a, x) = (halving.PaddedSquare(a), halving.Padded(x));
        var result = OwnShare(a, x, point, [.. Leading(a, x, g), halving.Length, x.shape[^1]]);
        foreach (var level in halving.Levels())
            level.Lo(result).add_(level.Rectangles(a).mT.matmul(level.Hi(x) * level.ToHi).mul_(level.FromLo), Scalars.One);

        return halving.Unpadded(result, -2).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// <c>u</c> with <c>u[i, d] = r[i, d] + c[i, d] sum_j a[i, j] u[j, d] exp(sum of g[., d] between j and i)</c> over the earlier j, or with
    /// <paramref name="transposed"/> <c>u[j, d] = r[j, d] + sum_i a[i, j] c[i, d] u[i, d] exp(..)</c> over the later i: <c>[..., C, D]</c>.
    /// </summary>
    /// <remarks>
    /// By substitution, block by block: half of a block is solved, what the other half sees of it added there, and that solved. So the
    /// residual of each column of u is, element by element, at most <c>gamma |I - L| |u|</c> for its matrix L and
    /// <c>gamma = n eps / (1 - n eps)</c>, n being C and a few roundings more for each entry of L, which is a product here: <c>2 C + 8</c>.
    /// Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., theorem 8.5.
    /// </remarks>
    public static Tensor Solve(Tensor a, Tensor c, Tensor g, Tensor r, ReadPoint point, bool transposed)
    {
        using var scope = torch.NewDisposeScope();
        var halving = new Halving(g, point);
        (a, c, r) = (halving.PaddedSquare(a), halving.Padded(c), halving.Padded(r));
        var u = r.expand([.. Leading(a, c, g, r), halving.Length, r.shape[^1]]).clone();
        var levels = halving.Levels().ToArray();
        Block(0, levels.Length);
        return halving.Unpadded(u, -2).MoveToOuterDisposeScope();

        void Block(long start, int halvings)
        {
            if (halvings == 0) return;
            var half = 1L << (halvings - 1);
            var middle = start + half;
            Block(transposed ? middle : start, halvings - 1);

            using (torch.NewDisposeScope())
            {
                var level = levels[halvings - 1];
                var (fromLo, toHi) = (level.FromLo.select(-3, start / (2 * half)), level.ToHi.select(-3, start / (2 * half)));
                var (lo, hi) = (u.narrow(-2, start, half), u.narrow(-2, middle, half));
                var (rectangle, scaledToHi) = (a.narrow(-2, middle, half).narrow(-1, start, half), c.narrow(-2, middle, half) * toHi);
                if (transposed) lo.add_(rectangle.mT.matmul(hi * scaledToHi).mul_(fromLo), Scalars.One);
                else hi.add_(rectangle.matmul(lo * fromLo).mul_(scaledToHi), Scalars.One);
            }

            Block(transposed ? start : middle, halvings - 1);
        }
    }

    // What a token gives to itself.
    private static Tensor OwnShare(Tensor a, Tensor tile, ReadPoint point, long[] shape)
    {
        var result = torch.zeros(shape, tile.dtype, tile.device);
        if (point == ReadPoint.AfterWrite) result.add_(a.diagonal(0, -2, -1).unsqueeze(-1) * tile, Scalars.One);
        return result;
    }

    private static long[] Leading(params Tensor[] tensors) =>
        tensors.Select(tensor => tensor.shape[..^2]).Aggregate((a, b) => torch.broadcast_shapes(a, b).Shape);

    /// <summary>The gates of a chunk, cut into rectangles. A length that is no power of two is padded to one.</summary>
    private sealed class Halving
    {
        private readonly Tensor gates;
        private readonly ReadPoint point;
        private readonly long own;

        public Halving(Tensor gates, ReadPoint point)
        {
            own = gates.shape[^2];
            Length = (long)BitOperations.RoundUpToPowerOf2((ulong)own);
            this.gates = Padded(gates);
            this.point = point;
        }

        public long Length { get; }

        public Tensor Padded(Tensor tile) => Length == own
            ? tile
            : torch.cat([tile, torch.zeros([.. tile.shape[..^2], Length - own, tile.shape[^1]], tile.dtype, tile.device)], -2);

        public Tensor PaddedSquare(Tensor square) => Length == own ? square : Padded(Padded(square).mT).mT;

        public Tensor Unpadded(Tensor tensor, long axis) => Length == own ? tensor : tensor.narrow(axis, 0, own);

        /// <summary>From pairs of single tokens up. The sums within blocks of one size are those of the size below plus a block's total.</summary>
        public IEnumerable<Level> Levels()
        {
            var toToken = point == ReadPoint.BeforeDecay ? torch.zeros_like(gates) : gates.clone();  // from the start of its block
            var fromToken = torch.zeros_like(gates);                                                   // after it, to the end of its block
            var total = gates;                                                                         // of a block: [..., blocks, D]
            for (var size = 1L; size < Length; size *= 2)
            {
                yield return new Level(size, toToken, fromToken);
                var pairs = total.view([.. total.shape[..^2], total.shape[^2] / 2, 2, total.shape[^1]]);
                Level.Lo(fromToken, size).add_(pairs.narrow(-2, 1, 1), Scalars.One);
                Level.Hi(toToken, size).add_(pairs.narrow(-2, 0, 1), Scalars.One);
                total = pairs.sum(-2);
            }
        }
    }

    /// <summary>The rectangles of one size: pairs of neighbouring blocks of that many tokens.</summary>
    private sealed class Level(long size, Tensor toToken, Tensor fromToken)
    {
        /// <summary>The decay from each token of lo to the end of lo.</summary>
        public Tensor FromLo { get; } = Lo(fromToken, size).exp();

        /// <summary>The decay from the end of lo to each token of hi.</summary>
        public Tensor ToHi { get; } = Hi(toToken, size).exp();

        /// <summary>The first blocks of the pairs of a tile <c>[..., C, D]</c>, as a view: <c>[..., pairs, size, D]</c>.</summary>
        public static Tensor Lo(Tensor tile, long size) => Pairs(tile, size).select(-3, 0);

        /// <summary>The second blocks.</summary>
        public static Tensor Hi(Tensor tile, long size) => Pairs(tile, size).select(-3, 1);

        public Tensor Lo(Tensor tile) => Lo(tile, size);

        public Tensor Hi(Tensor tile) => Hi(tile, size);

        /// <summary>The rectangles (hi, lo) of a square <c>[..., C, C]</c>, as a view: <c>[..., pairs, size, size]</c>.</summary>
        public Tensor Rectangles(Tensor square) =>
            square.view([.. square.shape[..^2], square.shape[^2] / (2 * size), 2 * size, square.shape[^1] / (2 * size), 2 * size])
                .diagonal(0, -4, -2)                                            // [..., 2 size, 2 size, pairs]
                .narrow(-3, size, size).narrow(-2, 0, size)
                .movedim([-1], [-3]);

        private static Tensor Pairs(Tensor tile, long size) => tile.view([.. tile.shape[..^2], tile.shape[^2] / (2 * size), 2, size, tile.shape[^1]]);
    }
}
