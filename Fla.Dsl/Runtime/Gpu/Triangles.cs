using ILGPU;

namespace Fla.Dsl.Runtime.Gpu;

/// <summary>
/// What pairs among eight tokens that follow one another have in common, for <see cref="DecayedDots"/> on tensor cores: a warp for each
/// eight, and a lane for two columns. Token by token, what is left of the earlier ones decays by the gate.
/// </summary>
internal static class Triangles
{
    /// <summary>The columns that a warp goes through at once.</summary>
    private const int Slice = 64;

    /// <summary>Computes those from a token on; there are zeros above the diagonal.</summary>
    public static void Store<W, C, K, T, TOut>(
        SharedAddress to, SharedAddress x, SharedAddress y, SharedAddress sums, int first, ReadPoint point)
        where W : struct, IBlock
        where C : struct, ISize
        where K : struct, ISize
        where T : struct, IElement
        where TOut : struct, IElement
    {
        var own = point == ReadPoint.AfterWrite ? 1 : 0;
        var pairs = LocalMemory.Allocate1D<float>(64);
        var left = LocalMemory.Allocate1D<float>(16);
        var later = LocalMemory.Allocate1D<float>(2);
        var upTo = LocalMemory.Allocate1D<float>(4);
        for (var i = 0; i < 64; i++) pairs[i] = 0f;
        var slice = 0;
        do
        {
            // Lanes past the last column add nothing to what the first one's have.
            var column = slice + (2 * Block.Lane);
            var counts = column < K.Value;
            column = Numbers.Select(counts, column, 0);
            uint fromX = Asm.Of(x + Shared<C, K, T>.At(first, column)), fromY = Asm.Of(y + Shared<C, K, T>.At(first, column));
            var fromSums = Asm.Of(sums + Shared<C, K, SingleElement>.At(first, column));
            for (var i = 0; i < 8; i++)
            {
                Asm.LoadHalves<T>(later, 0, fromX + (uint)(i * Shared<C, K, T>.Stride));
                Asm.LoadHalves<T>(left, 2 * i, fromY + (uint)(i * Shared<C, K, T>.Stride));
                Asm.LoadPair(upTo, i % 2 * 2, fromSums + (uint)(i * Shared<C, K, SingleElement>.Stride));
                for (var e = 0; e < 2; e++)
                {
                    var query = Numbers.Where(counts, later[e]);
                    var gate = Decays.Factor<W>(upTo[(i % 2 * 2) + e], upTo[((i + 1) % 2 * 2) + e], true);
                    for (var j = 0; j < i; j++)
                    {
                        if (point != ReadPoint.BeforeDecay) left[(2 * j) + e] *= gate;
                        pairs[(8 * i) + j] += query * left[(2 * j) + e];
                        if (point == ReadPoint.BeforeDecay) left[(2 * j) + e] *= gate;
                    }

                    if (own != 0) pairs[(8 * i) + i] += query * left[(2 * i) + e];
                }
            }

            slice += Slice;
        }
        while (slice < K.Value);

        // Lanes exchange halves of what they have, down to the two pairs that are a lane's in the layout of a product.
        for (var i = 0; i < 4; i++)
            for (var j = 0; j < Numbers.Lesser(8, i + 4 + own); j++) Exchange(pairs, (8 * i) + j, (8 * (i + 4)) + j, 16);
        for (var i = 0; i < 2; i++)
            for (var j = 0; j < Numbers.Lesser(8, i + 6 + own); j++) Exchange(pairs, (8 * i) + j, (8 * (i + 2)) + j, 8);
        for (var j = 0; j < 7 + own; j++) Exchange(pairs, j, 8 + j, 4);
        for (var j = 0; j < 4; j++) Exchange(pairs, j, j + 4, 2);
        for (var j = 0; j < 2; j++) Exchange(pairs, j, j + 2, 1);
        var place = to + Shared<C, C, TOut>.At(first + (Block.Lane >> 2), first + ((Block.Lane & 3) * 2));
        Decays.StorePair<TOut>(place, pairs[0], pairs[1]);
    }

    /// <summary>Adds the lower number of this and another lane on the one, the higher on the other.</summary>
    private static void Exchange(ArrayView<float> numbers, int lower, int higher, int distance)
    {
        var isHigher = (Block.Lane & distance) != 0;
        float kept = Numbers.Select(isHigher, numbers[higher], numbers[lower]);
        float given = Numbers.Select(isHigher, numbers[lower], numbers[higher]);
        numbers[lower] = kept + Warp.ShuffleXor(given, distance);
    }
}
