using ILGPU;

namespace Fla.Dsl.Runtime.Gpu;

/// <summary>
/// <see cref="DecayedDots"/> on tensor cores: L is cut into squares of 16 tokens and 16 others, or themselves, each the business of a warp,
/// and a product of fragments that decay from and to a token between them. The fragments are fp32 as tensor cores take it, as decays are
/// no numbers of half type.
/// </summary>
/// <remarks>
/// Below the diagonal no exponent is above 0 as the sums do not rise. On the diagonal some are, which does no harm where decays are mild
/// (<see cref="Decays.AreMild{C, K, T}"/>). Where they are not, such a square is computed part by part: <see cref="Halving"/>.
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
        int between = Numbers.Select(onDiagonal, row + 7, row - 1), part = Halving.Largest, side = 0;
        do
        {
            // Of a part what does not count has exponents of 0; and before its own gate the first token has nothing in common with any,
            // whatever is read for it.
            int middle = Halving.Middle((8 * side) + g, part), rim = Numbers.Select(whole, between, row + middle);
            int ofLater = Halving.Later(part, side) + g + Decays.Shift(point), ofEarlier = Halving.Earlier(part, side) + g;
            int later = row + Numbers.Select(whole, g + Decays.Shift(point), Numbers.Larger(ofLater, middle));
            int earlier = column + Numbers.Select(whole, g, Numbers.Lesser(ofEarlier, middle)), eight = Numbers.Where(whole, 8);
            uint ofRim = Decays.Place<C, K>(sums, rim);
            uint ofX = Decays.Place<C, K>(sums, Numbers.Larger(later, 0)), nextOfX = Decays.Place<C, K>(sums, later + eight);
            uint ofY = Decays.Place<C, K>(sums, earlier), nextOfY = Decays.Place<C, K>(sums, earlier + eight);
            for (var i = 0; i < 8; i++) sum[i] = 0f;
            for (var k = 0u; k < K.Value; k += 16)
            {
                Asm.LoadMatrix(pairsX, 0, fromX + (k * 2), false);
                Asm.LoadMatrix(pairsY, 0, fromY + (k * 2), false);
                for (var half = 0; half < 2; half++)
                {
                    // A pair's two columns are a step of four apart in fragments of fp32; which is which does not matter to a sum.
                    var offset = (k * 4) + (uint)(half * 32);
                    Asm.LoadPair(reference, 0, ofRim + offset);
                    for (var i = 0; i < 2; i++)
                    {
                        uint offsetX = (i == 0 ? ofX : nextOfX) + offset, offsetY = (i == 0 ? ofY : nextOfY) + offset;
                        Decays.Operands<W, T>(fragmentX, i, 2, pairsX[(2 * half) + i], offsetX, reference, true, numbers);
                        Decays.Operands<W, T>(fragmentY, 2 * i, 1, pairsY[(2 * i) + half], offsetY, reference, false, numbers);
                    }

                    for (var i = 0; i < 2; i++) Asm.MultiplySingle(sum, 4 * i, fragmentX, 0, fragmentY, 2 * i);
                }
            }

            for (var i = 0; i < 4; i++)
            {
                int down = ((i & 1) * 8) + g, across = ((i >> 1) * 8) + t;
                var place = to + Shared<C, C, TOut>.At(row + down, column + across);
                bool counts = !onDiagonal | Halving.Counts(down, across, whole, part, point);
                bool nextCounts = !onDiagonal | Halving.Counts(down, across + 1, whole, part, point);
                if (part == Halving.Largest)
                {
                    Decays.StorePair<TOut>(place, Numbers.Where(counts, sum[2 * i]), Numbers.Where(nextCounts, sum[(2 * i) + 1]));
                }
                else if ((i & 1) == side)
                {
                    if (counts) Tile.Set<W, TOut>(place, sum[2 * i]);
                    if (nextCounts) Tile.Set<W, TOut>(place + TOut.Bytes, sum[(2 * i) + 1]);
                }
            }

            side = Halving.NextSide(part, side);
            part = Halving.Next(part, side);
        }
        while (!whole & part >= Halving.Last(point));

        if (onDiagonal) return;
        for (var i = 0; i < 4; i++)
            Decays.StorePair<TOut>(to + Shared<C, C, TOut>.At(column + ((i & 1) * 8) + g, row + ((i >> 1) * 8) + t), 0f, 0f);
    }
}
