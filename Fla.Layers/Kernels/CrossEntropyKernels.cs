using Fla.Dsl.Runtime.Gpu;
using ILGPU;

namespace Fla.Layers.Kernels;

/// <summary>
/// Cross entropy of rows of logits, a block for each row: with x the scaled and capped logits and y the row's class,
/// <c>lse(x) - (1 - smoothing) x_y - smoothing mean(x) + square lse(x)^2</c>, and its gradient.
/// </summary>
internal static class CrossEntropyKernels
{
    // Less than any logit that is not an infinity, and yet such that differences of it are numbers.
    private const float Lowest = -1e38f;

    /// <summary>
    /// The loss of each row, of it what the square makes, both 0 where the class is ignored, and lse(x): <c>[rows]</c> in fp32.
    /// </summary>
    public static void Losses<W, P, T>(
        long losses, long squares, long lses, long logits, long target, int classes, long ignored,
        float scale, float cap, float smoothing, float square)
        where W : struct, IBlock
        where P : struct, ISize
        where T : struct, IElement
    {
        var scratch = new SharedAddress(SharedMemory.GetDynamic<byte>(), 0);
        long row = Grid.IdxX, from = logits + (row * classes * T.Bytes);
        var piece = LocalMemory.Allocate1D<float>(P.Value);
        float largest = Lowest, sum = 0f, total = 0f;
        var column = Group.IdxX * P.Value;
        do
        {
            var there = column < classes;
            Piece.Read<W, P, T>(piece, 0, from + ((long)column * T.Bytes), there);
            var before = largest;
            for (var i = 0; i < P.Value; i++)
            {
                var x = Bent<W>(piece[i], scale, cap);
                total += x;
                piece[i] = Numbers.Select(there, x, Lowest);
                largest = Numbers.Larger(piece[i], largest);
            }

            sum *= Numbers.Exp<W>(before - largest);
            for (var i = 0; i < P.Value; i++) sum += Numbers.Where(there, Numbers.Exp<W>(piece[i] - largest));
            column += 32 * W.Value * P.Value;
        }
        while (column < classes);

        var most = Team<W, Size256>.Largest(largest, scratch);
        sum = Team<W, Size256>.Sum(sum * Numbers.Exp<W>(largest - most), scratch);
        total = Team<W, Size256>.Sum(total, scratch);
        if (Group.IdxX == 0)
        {
            var lse = most + Numbers.Log<W>(sum);
            var own = Memory.ReadLong(target + (row * 8));
            var counts = own != ignored;
            var logit = Bent<W>(Memory.ReadIf<W, T>(counts, from + (own * T.Bytes)), scale, cap);
            var squared = square * lse * lse;
            var loss = lse - ((1f - smoothing) * logit) - (smoothing * total / classes) + squared;
            SingleElement.Write(losses + (row * 4), Numbers.Where(counts, loss));
            SingleElement.Write(squares + (row * 4), Numbers.Where(counts, squared));
            SingleElement.Write(lses + (row * 4), lse);
        }
    }

    /// <summary>The gradient of the logits, which may be written over them; <c>upstream</c> is that of each row's loss in fp32.</summary>
    public static void Gradient<W, P, T, TGradient>(
        long gradient, long logits, long target, long lses, long upstream, int classes,
        float scale, float cap, float smoothing, float square)
        where W : struct, IBlock
        where P : struct, ISize
        where T : struct, IElement
        where TGradient : struct, IElement
    {
        long row = Grid.IdxX, at = row * classes;
        var own = Memory.ReadLong(target + (row * 8));
        float lse = SingleElement.Read(lses + (row * 4)), factor = SingleElement.Read(upstream + (row * 4)) * scale;
        float share = 1f + (2f * square * lse), even = smoothing / classes;
        var piece = LocalMemory.Allocate1D<float>(P.Value);
        var column = Group.IdxX * P.Value;
        do
        {
            var there = column < classes;
            Piece.Read<W, P, T>(piece, 0, logits + ((at + column) * T.Bytes), there);
            for (var i = 0; i < P.Value; i++)
            {
                var x = Bent<W>(piece[i], scale, cap);
                var slope = Numbers.Select(cap != 0f, 1f - (x / cap * (x / cap)), 1f);
                var expected = even + Numbers.Where(column + i == own, 1f - smoothing);
                piece[i] = ((Numbers.Exp<W>(x - lse) * share) - expected) * factor * slope;
            }

            Piece.Write<W, P, TGradient>(piece, 0, gradient + ((at + column) * TGradient.Bytes), there);
            column += 32 * W.Value * P.Value;
        }
        while (column < classes);
    }

    // Scaled, and kept within (-cap, cap) if there is one.
    private static float Bent<W>(float logit, float scale, float cap)
        where W : struct, IBlock
    {
        var x = logit * scale;
        if (cap != 0f) x = cap * Numbers.Tanh<W>(x / cap);
        return x;
    }
}
