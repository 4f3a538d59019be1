using ILGPU;

namespace Fla.Dsl.Runtime.Gpu;

/// <summary>
/// <c>d[i, j] += sum_k x[i, k] y[j, k] e^(sum of g[., k] between j and i)</c> over the tokens j that count for i, for x and y [C]xK in shared
/// memory and d [C]x[C] in registers. Which count, and which gates lie between them, is the <see cref="ReadPoint"/>.
/// </summary>
/// <remarks>
/// A warp has a block of 16 tokens i. Of the tokens j before it, x decays from the block's beginning and y up to there: a product of
/// fragments that are scaled in registers. So it is of the block's own halves. What is left, two triangles of eight tokens, is summed pair
/// by pair. No exponent is above 0 as the sums do not rise.
/// </remarks>
public static class DecayedDots
{
    /// <summary>Adds them to d.</summary>
    /// <param name="d">The sums, in registers.</param>
    /// <param name="x">Of the later token.</param>
    /// <param name="y">Of the earlier token.</param>
    /// <param name="sums">The log-decays summed up to each token: <see cref="RunningSums.OfGates"/>.</param>
    /// <param name="point">Which earlier tokens count.</param>
    public static void Add<W, C, K, T>(ArrayView<float> d, SharedAddress x, SharedAddress y, SharedAddress sums, ReadPoint point)
        where W : struct, IBlock
        where C : struct, ISize
        where K : struct, ISize
        where T : struct, IElement
    {
        if (W.IsCuda && T.TensorCoreType != 0)
        {
            int top = Layout<W, C, C>.FirstRow, left = Layout<W, C, C>.FirstColumn;
            if (left < top) EarlierBlocks<W, C, K, T>(d, x, y, sums, point, top, left);
            if (left < top + 16 && left + (8 * Layout<W, C, C>.SquaresAcross) > top) OwnBlock<W, C, K, T>(d, x, y, sums, point, top, left);
        }
        else
        {
            OneByOne<W, C, K, T>(d, x, y, sums, point);
        }
    }

    private static void OneByOne<W, C, K, T>(ArrayView<float> d, SharedAddress x, SharedAddress y, SharedAddress sums, ReadPoint point)
        where W : struct, IBlock
        where C : struct, ISize
        where K : struct, ISize
        where T : struct, IElement
    {
        // Not a for: the loop over k is not to be unrolled, the one over the elements is.
        var k = 0;
        do
        {
            for (var i = 0; i < Layout<W, C, C>.Count; i++)
            {
                int row = Layout<W, C, C>.Row(i), column = Layout<W, C, C>.Column(i);
                var decay = Decays.Between<W, C, K>(sums, row, column, k, point);
                d[i] += T.ReadShared(x + Shared<C, K, T>.At(row, k)) * T.ReadShared(y + Shared<C, K, T>.At(column, k)) * decay;
            }

            k++;
        }
        while (k < K.Value);
    }

    private static void EarlierBlocks<W, C, K, T>(ArrayView<float> d, SharedAddress x, SharedAddress y, SharedAddress sums, ReadPoint point, int top, int left)
        where W : struct, IBlock
        where C : struct, ISize
        where K : struct, ISize
        where T : struct, IElement
    {
        int lane = Block.Lane, stride = Shared<C, K, T>.Stride;
        var fromX = Asm.Of(x + ((top + (lane & 15)) * stride) + ((lane >> 4) * 16));
        var fromY = Asm.Of(y + ((left + (lane & 7)) * stride) + (((lane >> 3) & 1) * 16));
        uint begin = Decays.Place<C, K>(sums, top - 1), later = Decays.Place<C, K>(sums, top + (lane >> 2) + Decays.Shift(point));
        var earlier = Decays.Place<C, K>(sums, left + (lane >> 2));
        var fragmentX = LocalMemory.Allocate1D<uint>(4);
        var fragmentY = LocalMemory.Allocate1D<uint>(2);
        var reference = LocalMemory.Allocate1D<float>(4);
        var numbers = LocalMemory.Allocate1D<float>(4);
        var k = 0u;
        do
        {
            Asm.LoadPair(reference, 0, begin + (k * 64));
            Asm.LoadPair(reference, 2, begin + (k * 64) + 32);
            Asm.LoadMatrix(fragmentX, 0, fromX + (k * 32), false);
            for (var i = 0; i < 4; i++)
                Decays.Scale<W, T>(fragmentX, i, later + (uint)((i & 1) * 8 * Shared<C, K, SingleElement>.Stride) + (k * 64) + (uint)((i >> 1) * 32), reference, (i >> 1) * 2, true, numbers);

            for (var j = 0; j < Layout<W, C, C>.SquaresAcross; j++)
            {
                if (left + (8 * j) < top)
                {
                    Asm.LoadMatrixPair(fragmentY, fromY + (uint)(8 * j * stride) + (k * 32), false);
                    for (var i = 0; i < 2; i++)
                        Decays.Scale<W, T>(fragmentY, i, earlier + (uint)(8 * j * Shared<C, K, SingleElement>.Stride) + (k * 64) + (uint)(i * 32), reference, i * 2, false, numbers);
                    Asm.Multiply<T>(d, 4 * j, fragmentX, 0, fragmentY[0], fragmentY[1]);
                }
            }

            k++;
        }
        while (k < K.Value / 16);
    }

    private static void OwnBlock<W, C, K, T>(ArrayView<float> d, SharedAddress x, SharedAddress y, SharedAddress sums, ReadPoint point, int top, int left)
        where W : struct, IBlock
        where C : struct, ISize
        where K : struct, ISize
        where T : struct, IElement
    {
        int lane = Block.Lane, g = lane >> 2, t = (lane & 3) * 2, stride = Shared<C, K, T>.Stride;

        // The second half of the block, of the first.
        var offset = ((lane & 7) * stride) + (((lane >> 3) & 1) * 16);
        uint fromX = Asm.Of(x + ((top + 8) * stride) + offset), fromY = Asm.Of(y + (top * stride) + offset);
        uint middle = Decays.Place<C, K>(sums, top + 7), later = Decays.Place<C, K>(sums, top + 8 + g + Decays.Shift(point)), earlier = Decays.Place<C, K>(sums, top + g);
        var corner = LocalMemory.Allocate1D<float>(4);
        var fragmentX = LocalMemory.Allocate1D<uint>(4);
        var fragmentY = LocalMemory.Allocate1D<uint>(2);
        var reference = LocalMemory.Allocate1D<float>(4);
        var numbers = LocalMemory.Allocate1D<float>(4);

        // Both triangles at once: a lane with a place below the diagonal has that of the first, one above it the mirrored place of the second.
        var below = g > t;
        var first = top + ILGPU.Util.Utilities.Select(below, 0, 8);
        var own = new Pairs(x, y, first * stride, g, t, below, stride);
        var rowSums = Decays.Place<C, K>(sums, first + g + ILGPU.Util.Utilities.Select(below, Decays.Shift(point), 0));
        var columnSums = Decays.Place<C, K>(sums, first + t + ILGPU.Util.Utilities.Select(t > g, Decays.Shift(point), 0));
        var nextSums = Decays.Place<C, K>(sums, first + t + 1 + ILGPU.Util.Utilities.Select(t + 1 >= g, Decays.Shift(point), 0));
        var sign = ILGPU.Util.Utilities.Select(below, 1f, -1f);
        var row = LocalMemory.Allocate1D<float>(4);
        var column = LocalMemory.Allocate1D<float>(4);
        var next = LocalMemory.Allocate1D<float>(4);
        var triangle = LocalMemory.Allocate1D<float>(2);
        for (var i = 0; i < 4; i++) corner[i] = 0f;
        triangle[0] = 0f;
        triangle[1] = 0f;

        var k = 0u;
        do
        {
            Asm.LoadPair(reference, 0, middle + (k * 64));
            Asm.LoadPair(reference, 2, middle + (k * 64) + 32);
            Asm.LoadMatrixPair(fragmentX, fromX + (k * 32), false);
            Asm.LoadMatrixPair(fragmentY, fromY + (k * 32), false);
            for (var i = 0; i < 2; i++)
            {
                Decays.Scale<W, T>(fragmentX, i, later + (k * 64) + (uint)(i * 32), reference, i * 2, true, numbers);
                Decays.Scale<W, T>(fragmentY, i, earlier + (k * 64) + (uint)(i * 32), reference, i * 2, false, numbers);
            }

            fragmentX[3] = fragmentX[1];
            fragmentX[1] = fragmentX[0];
            fragmentX[0] = 0u;
            fragmentX[2] = 0u;
            Asm.Multiply<T>(corner, 0, fragmentX, 0, fragmentY[0], fragmentY[1]);

            for (var i = 0; i < 8; i++)
            {
                uint half = (k * 32) + (uint)(i * 4), whole = (k * 64) + (uint)(i * 8);
                Asm.LoadHalves<T>(row, 0, own.Row + half);
                Asm.LoadHalves<T>(column, 0, own.Column + half);
                Asm.LoadHalves<T>(next, 0, own.Column + (uint)stride + half);
                Asm.LoadPair(row, 2, rowSums + whole);
                Asm.LoadPair(column, 2, columnSums + whole);
                Asm.LoadPair(next, 2, nextSums + whole);
                for (var e = 0; e < 2; e++)
                {
                    triangle[0] += row[e] * column[e] * Numbers.Exp<W>((row[2 + e] - column[2 + e]) * sign);
                    triangle[1] += row[e] * next[e] * Numbers.Exp<W>((row[2 + e] - next[2 + e]) * sign);
                }
            }

            k++;
        }
        while (k < K.Value / 16);

        // The second triangle's numbers, from the lanes that have them to those whose they are.
        float mirrored = Mirrored(triangle, (t * 4) + (g >> 1), g), mirroredNext = Mirrored(triangle, ((t + 1) * 4) + (g >> 1), g);
        bool counts = t < g, nextCounts = t + 1 < g;
        for (var j = 0; j < Layout<W, C, C>.SquaresAcross; j++)
        {
            bool atFirst = left + (8 * j) == top, atSecond = left + (8 * j) == top + 8;
            d[4 * j] += Numbers.Where(atFirst & counts, triangle[0]);
            d[(4 * j) + 1] += Numbers.Where(atFirst & nextCounts, triangle[1]);
            d[(4 * j) + 2] += Numbers.Where(atFirst, corner[2]) + Numbers.Where(atSecond & counts, mirrored);
            d[(4 * j) + 3] += Numbers.Where(atFirst, corner[3]) + Numbers.Where(atSecond & nextCounts, mirroredNext);
        }

        if (point == ReadPoint.AfterWrite) Diagonal<W, C, K, T>(d, x, y, top, left);
    }

    /// <summary>What a token has with itself, which no gate lies between.</summary>
    private static void Diagonal<W, C, K, T>(ArrayView<float> d, SharedAddress x, SharedAddress y, int top, int left)
        where W : struct, IBlock
        where C : struct, ISize
        where K : struct, ISize
        where T : struct, IElement
    {
        int lane = Block.Lane, g = lane >> 2, t = (lane & 3) * 2, stride = Shared<C, K, T>.Stride;
        var fromX = Asm.Of(x + ((top + (lane & 15)) * stride) + ((lane >> 4) * 16));
        var fromY = Asm.Of(y + ((top + (lane & 7) + ((lane >> 4) << 3)) * stride) + (((lane >> 3) & 1) * 16));
        var fragmentX = LocalMemory.Allocate1D<uint>(4);
        var fragmentY = LocalMemory.Allocate1D<uint>(4);
        var own = LocalMemory.Allocate1D<float>(8);
        for (var i = 0; i < 8; i++) own[i] = 0f;
        var k = 0u;
        do
        {
            Asm.LoadMatrix(fragmentX, 0, fromX + (k * 32), false);
            Asm.LoadMatrix(fragmentY, 0, fromY + (k * 32), false);
            Asm.Multiply<T>(own, 0, fragmentX, 0, fragmentY[0], fragmentY[1]);
            Asm.Multiply<T>(own, 4, fragmentX, 0, fragmentY[2], fragmentY[3]);
            k++;
        }
        while (k < K.Value / 16);

        for (var j = 0; j < Layout<W, C, C>.SquaresAcross; j++)
        {
            for (var e = 0; e < 2; e++)
            {
                d[(4 * j) + e] += Numbers.Where(left + (8 * j) == top & t + e == g, own[e]);
                d[(4 * j) + 2 + e] += Numbers.Where(left + (8 * j) == top + 8 & t + e == g, own[6 + e]);
            }
        }
    }

    private static float Mirrored(ArrayView<float> triangle, int lane, int g)
    {
        float even = Warp.Shuffle(triangle[0], lane), odd = Warp.Shuffle(triangle[1], lane);
        return ILGPU.Util.Utilities.Select((g & 1) == 0, even, odd);
    }

    /// <summary>The rows of a lane's pairs: in the second triangle the row is the earlier token.</summary>
    private readonly struct Pairs(SharedAddress x, SharedAddress y, int first, int g, int t, bool below, int stride)
    {
        public readonly uint Row = ILGPU.Util.Utilities.Select(below, Asm.Of(x + first), Asm.Of(y + first)) + (uint)(g * stride);

        public readonly uint Column = ILGPU.Util.Utilities.Select(below, Asm.Of(y + first), Asm.Of(x + first)) + (uint)(t * stride);
    }
}
