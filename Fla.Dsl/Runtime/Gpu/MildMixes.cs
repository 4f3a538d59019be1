using ILGPU;

namespace Fla.Dsl.Runtime.Gpu;

/// <summary>
/// <see cref="DecayedMixes"/> on tensor cores where decays are mild (<see cref="Decays.AreMild{C, K, T}"/>): what a warp's block of 16
/// tokens has of other blocks and of itself decays up to the block's rim in the fragments of one product, and from there in its result.
/// The fragments are fp32 as tensor cores take it, as decays are no numbers of half type.
/// </summary>
internal static class MildMixes
{
    /// <summary>Adds to d, whose rows are later tokens than those summed over, or if transposed earlier ones.</summary>
    public static void Add<W, C, N, T>(
        ArrayView<float> d, SharedAddress a, SharedAddress from, SharedAddress sums, ReadPoint point, bool transposed)
        where W : struct, IBlock
        where C : struct, ISize
        where N : struct, ISize
        where T : struct, IElement
    {
        int lane = Block.Lane, g = lane >> 2, t = (lane & 3) * 2, top = Layout<W, C, N>.FirstRow, left = Layout<W, C, N>.FirstColumn;
        int stride = Shared<C, N, T>.Stride, sumStride = Shared<C, N, SingleElement>.Stride;
        var rim = transposed ? top + 15 : Numbers.Select(top == 0, 7, top - 1);
        var rimColumn = Asm.Of(sums + Shared<C, N, SingleElement>.At(rim, left + g));
        var rimPlace = Decays.Place<C, N>(sums, rim) + (uint)(left * 4);

        // Before its own gate the first token has seen nothing, whatever is read for it.
        int given = transposed ? Decays.Shift(point) : 0, taken = transposed ? 0 : Decays.Shift(point);
        var givenSums = Asm.Of(sums + Shared<C, N, SingleElement>.At(t + given, left + g));
        var takenSums = Decays.Place<C, N>(sums, top + g + taken) + (uint)(left * 4);
        var takenFirst = Decays.Place<C, N>(sums, Numbers.Larger(top + g + taken, 0)) + (uint)(left * 4);

        var fromA = transposed
            ? Asm.Of(a + (((lane & 7) + ((lane >> 4) << 3)) * Shared<C, C, T>.Stride) + (top * 2) + (((lane >> 3) & 1) * 16))
            : Asm.Of(a + ((top + (lane & 15)) * Shared<C, C, T>.Stride) + ((lane >> 4) * 16));
        var aStep = (uint)(transposed ? Shared<C, C, T>.Stride : 2);
        var fromB = Asm.Of(from + ((lane & 15) * stride) + (left * 2));
        var triangle = Numbers.Where(Decays.Counts(transposed ? t : g, transposed ? g : t, point), 0x0000ffffu)
            | Numbers.Where(Decays.Counts(transposed ? t + 1 : g, transposed ? g : t + 1, point), 0xffff0000u);

        var pairsA = LocalMemory.Allocate1D<uint>(4);
        var pairsB = LocalMemory.Allocate1D<uint>(2);
        var fragmentA = LocalMemory.Allocate1D<uint>(8);
        var numbers = LocalMemory.Allocate1D<float>(2);
        var reference = LocalMemory.Allocate1D<float>(2);
        var rims = LocalMemory.Allocate1D<float>(Layout<W, C, N>.SquaresAcross);
        var sum = LocalMemory.Allocate1D<float>(4 * Layout<W, C, N>.SquaresAcross);
        for (var j = 0; j < Layout<W, C, N>.SquaresAcross; j++)
        {
            rims[j] = Asm.Load(rimColumn + (uint)(j * 32));
            for (var i = 0; i < 4; i++) sum[(4 * j) + i] = 0f;
        }

        int token = transposed ? top : 0, last = transposed ? C.Value - 16 : top;
        do
        {
            // Of the block itself only one triangle counts.
            Asm.LoadMatrix(pairsA, 0, fromA + ((uint)token * aStep), transposed);
            uint own = Numbers.Where(token != top, 0xffffffffu), half = triangle | own;
            pairsA[0] &= half;
            pairsA[3] &= half;
            pairsA[transposed ? 1 : 2] &= own;
            for (var i = 0; i < 4; i++)
            {
                // A pair's two columns are a step of four apart in fragments of fp32; which is which does not matter to a sum over them.
                Asm.Unpack<T>(numbers, 0, pairsA[i]);
                for (var e = 0; e < 2; e++) fragmentA[(i / 2 * 4) + (2 * e) + (i % 2)] = Interop.FloatAsInt(numbers[e]);
            }

            uint tokensB = fromB + (uint)(token * stride), tokensSums = givenSums + (uint)(token * sumStride);
            var first = tokensSums + (uint)(Numbers.Larger(token + t + given, 0) - (token + t + given)) * (uint)sumStride;
            for (var j = 0; j < Layout<W, C, N>.SquaresAcross; j++)
            {
                Asm.LoadMatrixPair(pairsB, tokensB + (uint)(j * 16), true);
                for (var i = 0; i < 2; i++)
                {
                    Asm.Unpack<T>(numbers, 0, pairsB[i]);
                    var place = (uint)((i * 8 * sumStride) + (j * 32));
                    var low = numbers[0] * Decays.Factor<W>(Asm.Load((i == 0 ? first : tokensSums) + place), rims[j], transposed);
                    var high = numbers[1] * Decays.Factor<W>(Asm.Load(tokensSums + (uint)sumStride + place), rims[j], transposed);
                    Asm.MultiplySingle(sum, 4 * j, fragmentA, 4 * i, Asm.Operand(low), Asm.Operand(high));
                }
            }

            token += 16;
        }
        while (token <= last);

        for (var j = 0; j < Layout<W, C, N>.SquaresAcross; j++)
        {
            Asm.LoadPair(reference, 0, rimPlace + (uint)(j * 32));
            for (var i = 0; i < 4; i += 2)
            {
                Asm.LoadPair(numbers, 0, (i == 0 ? takenFirst : takenSums) + (uint)((i * 4 * sumStride) + (j * 32)));
                for (var e = 0; e < 2; e++)
                    d[(4 * j) + i + e] += sum[(4 * j) + i + e] * Decays.Factor<W>(numbers[e], reference[e], !transposed);
            }
        }
    }
}
