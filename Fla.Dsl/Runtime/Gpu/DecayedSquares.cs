using ILGPU;

namespace Fla.Dsl.Runtime.Gpu;

/// <summary>
/// <see cref="DecayedDots"/> on tensor cores: L is cut into squares of 16 tokens and 16 others, or themselves, each the business of a warp,
/// and a product of fragments that decay from and to a token between them. The fragments are fp32 as tensor cores take it, as decays are
/// no numbers of half type.
/// </summary>
/// <remarks>
/// Below the diagonal no exponent is above 0 as the sums do not rise. On the diagonal there are such that are, which do no harm where
/// decays are mild (<see cref="Decays.AreMild{C, K, T}"/>). Where they are not, such a square is computed part by part: <see cref="Halving"/>.
/// </remarks>
internal static class DecayedSquares
{
    /// <summary>Computes L. It is there after a barrier.</summary>
    public static void Store<W, C, K, T, TOut>(SharedAddress to, SharedAddress x, SharedAddress y, SharedAddress sums, ReadPoint point)
        where W : struct, IBlock
        where C : struct, ISize
        where K : struct, ISize
        where T : struct, IElement
        where TOut : struct, IElement
    {
        var mild = Decays.AreMild<C, K, T>(sums);
        for (var piece = Block.Warp; piece < C.Value / 16 * ((C.Value / 16) + 1) / 2; piece += W.Value)
        {
            var row = Numbers.Where(piece > 0, 1) + Numbers.Where(piece > 2, 1) + Numbers.Where(piece > 5, 1);
            var column = piece - (row * (row + 1) / 2);
            Square<W, C, K, T, TOut>(to, x, y, sums, 16 * row, 16 * column, point, mild);
        }
    }

    private static void Square<W, C, K, T, TOut>(
        SharedAddress to, SharedAddress x, SharedAddress y, SharedAddress sums, int row, int column, ReadPoint point, bool mild)
        where W : struct, IBlock
        where C : struct, ISize
        where K : struct, ISize
        where T : struct, IElement
        where TOut : struct, IElement
    {
        int lane = Block.Lane, g = lane >> 2, t = (lane & 3) * 2, stride = Shared<C, K, T>.Stride;
        var fromX = Asm.Of(x + ((row + (lane & 15)) * stride) + ((lane >> 4) * 16));
        var fromY = Asm.Of(y + ((column + (lane & 7) + ((lane >> 4) << 3)) * stride) + (((lane >> 3) & 1) * 16));
        var pairsX = LocalMemory.Allocate1D<uint>(4);
        var pairsY = LocalMemory.Allocate1D<uint>(4);
        var fragmentX = LocalMemory.Allocate1D<uint>(4);
        var fragmentY = LocalMemory.Allocate1D<uint>(4);
        var reference = LocalMemory.Allocate1D<float>(2);
        var numbers = LocalMemory.Allocate1D<float>(4);
        var sum = LocalMemory.Allocate1D<float>(8);

        bool onDiagonal = row == column, whole = mild | !onDiagonal;
        int between = Numbers.Select(onDiagonal, row + 7, row - 1), part = Halving.Tokens;
        do
        {
            // The references of the tokens g and g + 8, and where their sums are. What does not count in a part has exponents of 0; and
            // before its own gate the first token has nothing in common with any, whatever is read for it.
            int middle = row + Halving.Middle(g, part), nextMiddle = row + Halving.Middle(g + 8, part);
            int later = row + g + Decays.Shift(point), earlier = column + g;
            var ofX = Decays.Place<C, K>(sums, Numbers.Larger(later, Numbers.Select(whole, 0, middle)));
            var nextOfX = Decays.Place<C, K>(sums, Numbers.Larger(later + 8, Numbers.Select(whole, 0, nextMiddle)));
            var ofY = Decays.Place<C, K>(sums, Numbers.Select(whole, earlier, Numbers.Lesser(earlier, middle)));
            var nextOfY = Decays.Place<C, K>(sums, Numbers.Select(whole, earlier + 8, Numbers.Lesser(earlier + 8, nextMiddle)));
            var rim = Decays.Place<C, K>(sums, Numbers.Select(whole, between, middle));
            var nextRim = Decays.Place<C, K>(sums, Numbers.Select(whole, between, nextMiddle));
            for (var i = 0; i < 8; i++) sum[i] = 0f;
            var k = 0u;
            do
            {
                Asm.LoadMatrix(pairsX, 0, fromX + (k * 2), false);
                Asm.LoadMatrix(pairsY, 0, fromY + (k * 2), false);
                for (var eight = 0; eight < 2; eight++)
                {
                    // A pair's two columns are a step of four apart in fragments of fp32; which is which does not matter to a sum over them.
                    var offset = (k * 4) + (uint)(eight * 32);
                    for (var i = 0; i < 2; i++)
                    {
                        uint offsetX = (i == 0 ? ofX : nextOfX) + offset, offsetY = (i == 0 ? ofY : nextOfY) + offset;
                        Asm.LoadPair(reference, 0, (i == 0 ? rim : nextRim) + offset);
                        Decays.Operands<W, T>(fragmentX, i, 2, pairsX[(2 * eight) + i], offsetX, reference, true, numbers);
                        Decays.Operands<W, T>(fragmentY, 2 * i, 1, pairsY[(2 * i) + eight], offsetY, reference, false, numbers);
                    }

                    Asm.MultiplySingle(sum, 0, fragmentX, 0, fragmentY[0], fragmentY[1]);
                    Asm.MultiplySingle(sum, 4, fragmentX, 0, fragmentY[2], fragmentY[3]);
                }

                k += 16;
            }
            while (k < K.Value);

            for (var i = 0; i < 4; i++)
            {
                int down = ((i & 1) * 8) + g, across = ((i >> 1) * 8) + t;
                var place = to + Shared<C, C, TOut>.At(row + down, column + across);
                bool counts = whole & (!onDiagonal | Decays.Counts(down, across, point)) | !whole & Halving.Counts(down, across, part);
                bool nextCounts = whole & (!onDiagonal | Decays.Counts(down, across + 1, point))
                    | !whole & Halving.Counts(down, across + 1, part);
                if (part == Halving.Tokens)
                {
                    Decays.StorePair<TOut>(place, Numbers.Where(counts, sum[2 * i]), Numbers.Where(nextCounts, sum[(2 * i) + 1]));
                }
                else
                {
                    if (counts) Tile.Set<W, TOut>(place, sum[2 * i]);
                    if (nextCounts) Tile.Set<W, TOut>(place + TOut.Bytes, sum[(2 * i) + 1]);
                }
            }

            part /= 2;
        }
        while (!whole & part >= Halving.Last(point));

        if (onDiagonal) return;
        for (var i = 0; i < 4; i++)
            Decays.StorePair<TOut>(to + Shared<C, C, TOut>.At(column + ((i & 1) * 8) + g, row + ((i >> 1) * 8) + t), 0f, 0f);
    }
}
