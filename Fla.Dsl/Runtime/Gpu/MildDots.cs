using ILGPU;

namespace Fla.Dsl.Runtime.Gpu;

/// <summary>
/// <see cref="DecayedDots"/> on tensor cores where decays are mild (<see cref="Decays.AreMild{C, K, T}"/>): a square of 16 tokens and 16
/// others, or themselves, is a product of fragments that decay from and to a token between them. The fragments are fp32 as tensor cores
/// take it, as decays are no numbers of half type.
/// </summary>
internal static class MildDots
{
    /// <summary>Computes L. It is there after a barrier.</summary>
    public static void Store<W, C, K, T, TOut>(SharedAddress to, SharedAddress x, SharedAddress y, SharedAddress sums, ReadPoint point)
        where W : struct, IBlock
        where C : struct, ISize
        where K : struct, ISize
        where T : struct, IElement
        where TOut : struct, IElement
    {
        for (var piece = Block.Warp; piece < C.Value / 16 * ((C.Value / 16) + 1) / 2; piece += W.Value)
        {
            var row = Numbers.Where(piece > 0, 1) + Numbers.Where(piece > 2, 1) + Numbers.Where(piece > 5, 1);
            var column = piece - (row * (row + 1) / 2);
            Square<W, C, K, T, TOut>(to, x, y, sums, 16 * row, 16 * column, point);
        }
    }

    private static void Square<W, C, K, T, TOut>(
        SharedAddress to, SharedAddress x, SharedAddress y, SharedAddress sums, int row, int column, ReadPoint point)
        where W : struct, IBlock
        where C : struct, ISize
        where K : struct, ISize
        where T : struct, IElement
        where TOut : struct, IElement
    {
        int lane = Block.Lane, g = lane >> 2, t = (lane & 3) * 2, stride = Shared<C, K, T>.Stride;
        var onDiagonal = row == column;
        var fromX = Asm.Of(x + ((row + (lane & 15)) * stride) + ((lane >> 4) * 16));
        var fromY = Asm.Of(y + ((column + (lane & 7) + ((lane >> 4) << 3)) * stride) + (((lane >> 3) & 1) * 16));
        var between = Decays.Place<C, K>(sums, Numbers.Select(onDiagonal, row + 7, row - 1));
        var later = Decays.Place<C, K>(sums, row + g + Decays.Shift(point));
        var earlier = Decays.Place<C, K>(sums, column + g);

        // Before its own gate the first token has nothing in common with any, whatever is read for it.
        var first = Decays.Place<C, K>(sums, Numbers.Larger(row + g + Decays.Shift(point), 0));
        var pairsX = LocalMemory.Allocate1D<uint>(4);
        var pairsY = LocalMemory.Allocate1D<uint>(4);
        var fragmentX = LocalMemory.Allocate1D<uint>(4);
        var fragmentY = LocalMemory.Allocate1D<uint>(4);
        var reference = LocalMemory.Allocate1D<float>(2);
        var numbers = LocalMemory.Allocate1D<float>(4);
        var sum = LocalMemory.Allocate1D<float>(8);
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
                Asm.LoadPair(reference, 0, between + offset);
                for (var i = 0; i < 2; i++)
                {
                    var down = (uint)(i * 8 * Shared<C, K, SingleElement>.Stride);
                    uint ofX = (i == 0 ? first : later + down) + offset, ofY = earlier + down + offset;
                    Decays.Operands<W, T>(fragmentX, i, 2, pairsX[(2 * eight) + i], ofX, reference, true, numbers);
                    Decays.Operands<W, T>(fragmentY, 2 * i, 1, pairsY[(2 * i) + eight], ofY, reference, false, numbers);
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
            Decays.StorePair<TOut>(
                place,
                Numbers.Where(!onDiagonal | Decays.Counts(down, across, point), sum[2 * i]),
                Numbers.Where(!onDiagonal | Decays.Counts(down, across + 1, point), sum[(2 * i) + 1]));
        }

        if (onDiagonal) return;
        for (var i = 0; i < 4; i++)
            Decays.StorePair<TOut>(to + Shared<C, C, TOut>.At(column + ((i & 1) * 8) + g, row + ((i >> 1) * 8) + t), 0f, 0f);
    }
}
