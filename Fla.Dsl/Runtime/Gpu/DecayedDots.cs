using ILGPU;

namespace Fla.Dsl.Runtime.Gpu;

/// <summary>
/// <c>L[i, j] = sum_k x[i, k] y[j, k] e^(sum of g[., k] between j and i)</c> over the tokens j that count for i, else 0, for x and y [C]xK
/// and L [C]x[C] in shared memory. Which count, and which gates lie between them, is the <see cref="ReadPoint"/>.
/// </summary>
/// <remarks>
/// L is cut into squares of 16 tokens, each the business of one warp. Below the diagonal x decays from the square's rim on and y up to
/// there: a product of fragments that are scaled in registers. So it is of the halves of a square on the diagonal. What is left,
/// <see cref="Triangles"/> of eight tokens, is summed pair by pair. No exponent is above 0 as the sums do not rise. Where decays are mild
/// squares on the diagonal are products like the others: <see cref="MildDots"/>.
/// </remarks>
public static class DecayedDots
{
    /// <summary>Computes L. It is there after a barrier.</summary>
    /// <param name="to">L, whole.</param>
    /// <param name="x">Of the later token.</param>
    /// <param name="y">Of the earlier token.</param>
    /// <param name="sums">The log-decays summed up to each token: <see cref="RunningSums.OfGates"/>.</param>
    /// <param name="point">Which earlier tokens count.</param>
    public static void Store<W, C, K, T, TOut>(SharedAddress to, SharedAddress x, SharedAddress y, SharedAddress sums, ReadPoint point)
        where W : struct, IBlock
        where C : struct, ISize
        where K : struct, ISize
        where T : struct, IElement
        where TOut : struct, IElement
    {
        if (!W.IsCuda || T.TensorCoreType == 0)
        {
            OneByOne<W, C, K, T, TOut>(to, x, y, sums, point);
            return;
        }

        if (Decays.AreMild<C, K, T>(sums))
        {
            MildDots.Store<W, C, K, T, TOut>(to, x, y, sums, point);
            return;
        }

        // Of about the same length: triangles, squares below the diagonal, and two halved squares at a time.
        int triangles = C.Value / 8, blocks = C.Value / 16, squares = blocks * (blocks - 1) / 2;
        for (var piece = Block.Warp; piece < triangles + squares + (blocks / 2); piece += W.Value)
        {
            if (piece < triangles)
            {
                Triangles.Store<W, C, K, T, TOut>(to, x, y, sums, 8 * piece, point);
            }
            else if (piece < triangles + squares)
            {
                int square = piece - triangles, row = 1 + Numbers.Where(square > 0, 1) + Numbers.Where(square > 2, 1);
                var column = square - (row * (row - 1) / 2);
                Square<W, C, K, T, TOut>(to, x, y, sums, 16 * row, 16 * column, point);
            }
            else
            {
                Halves<W, C, K, T, TOut>(to, x, y, sums, 32 * (piece - triangles - squares), point);
            }
        }
    }

    private static void OneByOne<W, C, K, T, TOut>(SharedAddress to, SharedAddress x, SharedAddress y, SharedAddress sums, ReadPoint point)
        where W : struct, IBlock
        where C : struct, ISize
        where K : struct, ISize
        where T : struct, IElement
        where TOut : struct, IElement
    {
        var d = Tile.New<W, C, C>();
        Tile.Fill<W, C, C>(d, 0f);

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

        Tile.Store<W, C, C, TOut>(to, d);
    }

    /// <summary>A square below the diagonal: what 16 tokens have in common with 16 earlier ones.</summary>
    private static void Square<W, C, K, T, TOut>(
        SharedAddress to, SharedAddress x, SharedAddress y, SharedAddress sums, int row, int column, ReadPoint point)
        where W : struct, IBlock
        where C : struct, ISize
        where K : struct, ISize
        where T : struct, IElement
        where TOut : struct, IElement
    {
        int lane = Block.Lane, stride = Shared<C, K, T>.Stride;
        var fromX = Asm.Of(x + ((row + (lane & 15)) * stride) + ((lane >> 4) * 16));
        var fromY = Asm.Of(y + ((column + (lane & 7) + ((lane >> 4) << 3)) * stride) + (((lane >> 3) & 1) * 16));
        var rim = Decays.Place<C, K>(sums, row - 1);
        var later = Decays.Place<C, K>(sums, row + (lane >> 2) + Decays.Shift(point));
        var earlier = Decays.Place<C, K>(sums, column + (lane >> 2));
        var fragmentX = LocalMemory.Allocate1D<uint>(4);
        var fragmentY = LocalMemory.Allocate1D<uint>(4);
        var reference = LocalMemory.Allocate1D<float>(4);
        var numbers = LocalMemory.Allocate1D<float>(4);
        var sum = LocalMemory.Allocate1D<float>(8);
        for (var i = 0; i < 8; i++) sum[i] = 0f;
        var k = 0u;
        do
        {
            // Two at a time, so that one waits for memory while the other computes.
            for (var twice = 0; twice < 2; twice++)
            {
                uint half = (k * 32) + (uint)(twice * 32), whole = (k * 64) + (uint)(twice * 64);
                Asm.LoadPair(reference, 0, rim + whole);
                Asm.LoadPair(reference, 2, rim + whole + 32);
                Asm.LoadMatrix(fragmentX, 0, fromX + half, false);
                Asm.LoadMatrix(fragmentY, 0, fromY + half, false);
                for (var i = 0; i < 4; i++)
                {
                    // Of x the rows alternate, of y the columns.
                    Decays.Scale<W, T>(fragmentX, i, later + whole + Eight<C, K>(i & 1, i >> 1), reference, 2 * (i >> 1), true, numbers);
                    Decays.Scale<W, T>(fragmentY, i, earlier + whole + Eight<C, K>(i >> 1, i & 1), reference, 2 * (i & 1), false, numbers);
                }

                Asm.Multiply<T>(sum, 0, fragmentX, 0, fragmentY[0], fragmentY[1]);
                Asm.Multiply<T>(sum, 4, fragmentX, 0, fragmentY[2], fragmentY[3]);
            }

            k += 2;
        }
        while (k < K.Value / 16);

        int g = lane >> 2, t = (lane & 3) * 2;
        for (var i = 0; i < 4; i++)
        {
            int down = (i & 1) * 8, across = (i >> 1) * 8;
            Decays.StorePair<TOut>(to + Shared<C, C, TOut>.At(row + down + g, column + across + t), sum[2 * i], sum[(2 * i) + 1]);
            Decays.StorePair<TOut>(to + Shared<C, C, TOut>.At(column + down + g, row + across + t), 0f, 0f);
        }
    }

    /// <summary>Of two squares on the diagonal, the first at a row, what second halves of tokens have in common with first ones.</summary>
    private static void Halves<W, C, K, T, TOut>(
        SharedAddress to, SharedAddress x, SharedAddress y, SharedAddress sums, int row, ReadPoint point)
        where W : struct, IBlock
        where C : struct, ISize
        where K : struct, ISize
        where T : struct, IElement
        where TOut : struct, IElement
    {
        // A product of 16 rows and 8 columns each: of the rows, the first eight are those of the one square, the others those of the other.
        int lane = Block.Lane, g = lane >> 2, t = (lane & 3) * 2, stride = Shared<C, K, T>.Stride;
        var fromX = Asm.Of(x + ((row + 8 + (lane & 7) + (((lane >> 3) & 1) * 16)) * stride) + ((lane >> 4) * 16));
        var fromY = Asm.Of(y + ((row + (lane & 7) + ((lane >> 4) * 16)) * stride) + (((lane >> 3) & 1) * 16));
        uint rim = Decays.Place<C, K>(sums, row + 7), nextRim = Decays.Place<C, K>(sums, row + 23);
        var later = Decays.Place<C, K>(sums, row + 8 + g + Decays.Shift(point));
        var earlier = Decays.Place<C, K>(sums, row + g);
        var fragmentX = LocalMemory.Allocate1D<uint>(4);
        var fragmentY = LocalMemory.Allocate1D<uint>(4);
        var reference = LocalMemory.Allocate1D<float>(8);
        var numbers = LocalMemory.Allocate1D<float>(4);
        var sum = LocalMemory.Allocate1D<float>(8);
        for (var i = 0; i < 8; i++) sum[i] = 0f;
        var k = 0u;
        do
        {
            for (var twice = 0; twice < 2; twice++)
            {
                uint half = (k * 32) + (uint)(twice * 32), whole = (k * 64) + (uint)(twice * 64);
                Asm.LoadPair(reference, 0, rim + whole);
                Asm.LoadPair(reference, 2, rim + whole + 32);
                Asm.LoadPair(reference, 4, nextRim + whole);
                Asm.LoadPair(reference, 6, nextRim + whole + 32);
                Asm.LoadMatrix(fragmentX, 0, fromX + half, false);
                Asm.LoadMatrix(fragmentY, 0, fromY + half, false);
                for (var i = 0; i < 4; i++)
                {
                    uint ofX = later + whole + Eight<C, K>((i & 1) * 2, i >> 1), ofY = earlier + whole + Eight<C, K>(i >> 1 << 1, i & 1);
                    Decays.Scale<W, T>(fragmentX, i, ofX, reference, ((i & 1) * 4) + (2 * (i >> 1)), true, numbers);
                    Decays.Scale<W, T>(fragmentY, i, ofY, reference, ((i >> 1) * 4) + (2 * (i & 1)), false, numbers);
                }

                Asm.Multiply<T>(sum, 0, fragmentX, 0, fragmentY[0], fragmentY[1]);
                Asm.Multiply<T>(sum, 4, fragmentX, 0, fragmentY[2], fragmentY[3]);
            }

            k += 2;
        }
        while (k < K.Value / 16);

        // What the rows of the one have with the columns of the other is nothing that counts.
        for (var i = 0; i < 2; i++)
        {
            var first = row + (16 * i);
            Decays.StorePair<TOut>(to + Shared<C, C, TOut>.At(first + 8 + g, first + t), sum[6 * i], sum[(6 * i) + 1]);
            Decays.StorePair<TOut>(to + Shared<C, C, TOut>.At(first + g, first + 8 + t), 0f, 0f);
        }
    }

    /// <summary>From a place of the sums so many times eight rows down and eight columns on.</summary>
    private static uint Eight<C, K>(int down, int across)
        where C : struct, ISize
        where K : struct, ISize => (uint)((down * 8 * Shared<C, K, SingleElement>.Stride) + (across * 32));
}
