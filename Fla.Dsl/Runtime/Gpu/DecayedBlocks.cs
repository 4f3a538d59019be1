using ILGPU;

namespace Fla.Dsl.Runtime.Gpu;

/// <summary>
/// <see cref="DecayedMixes"/> on tensor cores: a warp has a block of 16 tokens. What other blocks and it itself have for it decays up to
/// the block's rim in the fragments of a product, and from there in its result. The fragments are fp32 as tensor cores take it, as decays
/// are no numbers of half type.
/// </summary>
/// <remarks>
/// Of other blocks no exponent is above 0 as the sums do not rise. Of the block itself some are, which does no harm where decays are mild
/// (<see cref="Decays.AreMild{C, K, T}"/>). Where they are not, its own tokens come after the others, part by part: <see cref="Halving"/>.
/// </remarks>
internal static class DecayedBlocks
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
        int given = transposed ? Decays.Shift(point) : 0, taken = transposed ? 0 : Decays.Shift(point);
        var fromA = transposed
            ? Asm.Of(a + (((lane & 7) + ((lane >> 4) << 3)) * Shared<C, C, T>.Stride) + (top * 2) + (((lane >> 3) & 1) * 16))
            : Asm.Of(a + ((top + (lane & 15)) * Shared<C, C, T>.Stride) + ((lane >> 4) * 16));
        var aStep = (uint)(transposed ? Shared<C, C, T>.Stride : 2);
        var fromB = Asm.Of(from + ((lane & 15) * stride) + (left * 2));
        var givenSums = Asm.Of(sums + Shared<C, N, SingleElement>.At(0, left + g));
        var takenSums = Decays.Place<C, N>(sums, 0) + (uint)(left * 4);

        var pairsA = LocalMemory.Allocate1D<uint>(4);
        var pairsB = LocalMemory.Allocate1D<uint>(2);
        var fragmentA = LocalMemory.Allocate1D<uint>(8);
        var fragmentB = LocalMemory.Allocate1D<uint>(2);
        var numbers = LocalMemory.Allocate1D<float>(2);
        var reference = LocalMemory.Allocate1D<float>(2);
        var rims = LocalMemory.Allocate1D<float>(Layout<W, C, N>.SquaresAcross);
        var sum = LocalMemory.Allocate1D<float>(4 * Layout<W, C, N>.SquaresAcross);

        var mild = Decays.AreMild<C, N, T>(sums);
        int part = 2 * Halving.Largest, side = 0;
        do
        {
            // At first all at once, or all but the block's own. Then those of its parts, one half of it at a time: in the largest the one
            // half gives and the other takes. Tokens that do not count there have exponents of 0.
            bool whole = part > Halving.Largest, largest = part == Halving.Largest;
            int giving = transposed ? Halving.Later(part, side) : Halving.Earlier(part, side);
            int taking = transposed ? Halving.Earlier(part, side) : Halving.Later(part, side);
            int middle = Halving.Middle(giving + t, part) + Numbers.Where(transposed & part == 1, 1);
            var end = Halving.Middle(taking + g, part);
            int low = giving + t + given, high = low + 1, row = taking + g + taken;
            low = Numbers.Select(whole, t + given, transposed ? Numbers.Larger(low, middle) : Numbers.Lesser(low, middle));
            high = Numbers.Select(whole, t + given + 1, transposed ? Numbers.Larger(high, middle) : Numbers.Lesser(high, middle));
            row = Numbers.Select(whole, g + taken, transposed ? Numbers.Lesser(row, end) : Numbers.Larger(row, end));
            var eight = Numbers.Where(whole, 8 * sumStride);

            var rim = transposed ? top + 15 : Numbers.Larger(top - 1, Numbers.Where(mild, 7));
            var givenRim = givenSums + (uint)(Numbers.Select(whole, rim, top + middle) * sumStride);
            var takenRim = takenSums + (uint)(Numbers.Select(whole, rim, top + end) * sumStride);
            for (var j = 0; j < Layout<W, C, N>.SquaresAcross; j++)
            {
                rims[j] = Asm.Load(givenRim + (uint)(j * 32));
                for (var i = 0; i < 4; i++) sum[(4 * j) + i] = 0f;
            }

            bool counts = transposed ? Halving.Counts(t, g, whole, part, point) : Halving.Counts(g, t, whole, part, point);
            bool nextCounts = transposed ? Halving.Counts(t + 1, g, whole, part, point) : Halving.Counts(g, t + 1, whole, part, point);
            uint own = Numbers.Where(counts, 0x0000ffffu) | Numbers.Where(nextCounts, 0xffff0000u);
            uint ofFirst = Numbers.Where(whole | side == 0, own), ofSecond = Numbers.Where(whole | side == 1, own);
            var across = Numbers.Where(whole | largest, 0xffffffffu);

            int others = Numbers.Where(!mild, 16), token = top, last = top;
            if (transposed) (token, last) = (Numbers.Select(whole, top + others, top), Numbers.Select(whole, C.Value - 16, top));
            else (token, last) = (Numbers.Select(whole, 0, top), Numbers.Select(whole, top - others, top));
            while (token <= last)
            {
                // Of the block itself only what counts.
                Asm.LoadMatrix(pairsA, 0, fromA + ((uint)token * aStep), transposed);
                var other = Numbers.Where(token != top, 0xffffffffu);
                pairsA[0] &= ofFirst | other;
                pairsA[3] &= ofSecond | other;
                pairsA[transposed ? 2 : 1] &= across | other;
                pairsA[transposed ? 1 : 2] &= other;
                for (var i = 0; i < 4; i++)
                {
                    // A pair's two columns are a step of four apart in fragments of fp32; which is which does not matter to a sum.
                    Asm.Unpack<T>(numbers, 0, pairsA[i]);
                    for (var e = 0; e < 2; e++) fragmentA[(i / 2 * 4) + (2 * e) + (i % 2)] = Interop.FloatAsInt(numbers[e]);
                }

                // Before its own gate the first token has seen nothing, whatever is read for it.
                uint tokensB = fromB + (uint)(token * stride), ofLow = givenSums + (uint)((token + low) * sumStride);
                uint first = givenSums + (uint)(Numbers.Larger(token + low, 0) * sumStride), second = ofLow + (uint)eight;
                uint ofHigh = givenSums + (uint)((token + high) * sumStride), secondOfHigh = ofHigh + (uint)eight;
                for (var j = 0; j < Layout<W, C, N>.SquaresAcross; j++)
                {
                    Asm.LoadMatrixPair(pairsB, tokensB + (uint)(j * 16), true);
                    for (var i = 0; i < 2; i++)
                    {
                        Asm.Unpack<T>(numbers, 0, pairsB[i]);
                        float sumOfLow = Asm.Load((i == 0 ? first : second) + (uint)(j * 32));
                        float sumOfHigh = Asm.Load((i == 0 ? ofHigh : secondOfHigh) + (uint)(j * 32));
                        var lower = numbers[0] * Decays.Factor<W>(sumOfLow, rims[j], transposed);
                        var higher = numbers[1] * Decays.Factor<W>(sumOfHigh, rims[j], transposed);
                        fragmentB[0] = Asm.Operand(lower);
                        fragmentB[1] = Asm.Operand(higher);
                        Asm.MultiplySingle(sum, 4 * j, fragmentA, 4 * i, fragmentB, 0);
                    }
                }

                token += 16;
            }

            uint ofRow = takenSums + (uint)(Numbers.Larger(top + row, 0) * sumStride);
            var nextRow = takenSums + (uint)((top + row) * sumStride + eight);
            for (var j = 0; j < Layout<W, C, N>.SquaresAcross; j++)
            {
                Asm.LoadPair(reference, 0, takenRim + (uint)(j * 32));
                for (var i = 0; i < 4; i += 2)
                {
                    Asm.LoadPair(numbers, 0, (i == 0 ? ofRow : nextRow) + (uint)(j * 32));
                    for (var e = 0; e < 2; e++)
                        d[(4 * j) + i + e] += sum[(4 * j) + i + e] * Decays.Factor<W>(numbers[e], reference[e], !transposed);
                }
            }

            side = Halving.NextSide(part, side);
            part = Halving.Next(part, side);
        }
        while (!mild & part >= Halving.Last(point));
    }
}
