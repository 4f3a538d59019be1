using ILGPU;

namespace Fla.Dsl.Runtime.Gpu;

/// <summary>
/// <c>d[i, n] += sum_j a[i, j] y[j, n] e^(sum of g[., n] between j and i)</c> over the tokens j that count for i, and transposed
/// <c>d[j, n] += sum_i a[i, j] x[i, n] e^(..)</c> over the tokens i for which j counts, for a [C]x[C] and x or y [C]xN in shared memory
/// and d [C]xN in registers. Which count, and which gates lie between them, is the <see cref="ReadPoint"/>; nothing else of a is looked at.
/// </summary>
/// <remarks>
/// A warp has a block of 16 tokens. What other blocks give decays up to the block's rim in the fragments of a product, and from there in
/// its result. So does what the block's one half gives to the other. Within eight tokens what a token gives is handed from lane to lane, a
/// token each time, and decays by that token's gate. No exponent is above 0 as the sums do not rise. All that is not needed where decays
/// are mild: <see cref="MildMixes"/>.
/// </remarks>
public static class DecayedMixes
{
    /// <summary>Adds to d what the later tokens see of the earlier.</summary>
    /// <param name="d">The result, in registers.</param>
    /// <param name="a">How much each token (row) sees of each earlier token (column).</param>
    /// <param name="y">Of the earlier tokens.</param>
    /// <param name="sums">The log-decays summed up to each token: <see cref="RunningSums.OfGates"/>.</param>
    /// <param name="point">Which earlier tokens count.</param>
    public static void Add<W, C, N, T>(ArrayView<float> d, SharedAddress a, SharedAddress y, SharedAddress sums, ReadPoint point)
        where W : struct, IBlock
        where C : struct, ISize
        where N : struct, ISize
        where T : struct, IElement => Mix<W, C, N, T>(d, a, y, sums, point, false);

    /// <summary>Adds to d what the earlier tokens give to the later, of those.</summary>
    /// <param name="d">The result, in registers.</param>
    /// <param name="a">How much each token (row) sees of each earlier token (column).</param>
    /// <param name="x">Of the later tokens.</param>
    /// <param name="sums">The log-decays summed up to each token: <see cref="RunningSums.OfGates"/>.</param>
    /// <param name="point">Which earlier tokens count.</param>
    public static void AddTransposed<W, C, N, T>(ArrayView<float> d, SharedAddress a, SharedAddress x, SharedAddress sums, ReadPoint point)
        where W : struct, IBlock
        where C : struct, ISize
        where N : struct, ISize
        where T : struct, IElement => Mix<W, C, N, T>(d, a, x, sums, point, true);

    private static void Mix<W, C, N, T>(
        ArrayView<float> d, SharedAddress a, SharedAddress from, SharedAddress sums, ReadPoint point, bool transposed)
        where W : struct, IBlock
        where C : struct, ISize
        where N : struct, ISize
        where T : struct, IElement
    {
        if (!W.IsCuda || T.TensorCoreType == 0) OneByOne<W, C, N, T>(d, a, from, sums, point, transposed);
        else if (Decays.AreMild<C, N, T>(sums)) MildMixes.Add<W, C, N, T>(d, a, from, sums, point, transposed);
        else OnTensorCores<W, C, N, T>(d, a, from, sums, point, transposed);
    }

    private static void OneByOne<W, C, N, T>(
        ArrayView<float> d, SharedAddress a, SharedAddress from, SharedAddress sums, ReadPoint point, bool transposed)
        where W : struct, IBlock
        where C : struct, ISize
        where N : struct, ISize
        where T : struct, IElement
    {
        // Not a for: the loop over the tokens is not to be unrolled, the one over the elements is.
        var token = 0;
        do
        {
            for (var i = 0; i < Layout<W, C, N>.Count; i++)
            {
                int row = Layout<W, C, N>.Row(i), column = Layout<W, C, N>.Column(i);
                int later = transposed ? token : row, earlier = transposed ? row : token;
                var decay = Decays.Between<W, C, N>(sums, later, earlier, column, point);
                var seen = Numbers.Where(decay > 0f, T.ReadShared(a + Shared<C, C, T>.At(later, earlier)));
                d[i] += seen * decay * T.ReadShared(from + Shared<C, N, T>.At(token, column));
            }

            token++;
        }
        while (token < C.Value);
    }

    private static void OnTensorCores<W, C, N, T>(
        ArrayView<float> d, SharedAddress a, SharedAddress from, SharedAddress sums, ReadPoint point, bool transposed)
        where W : struct, IBlock
        where C : struct, ISize
        where N : struct, ISize
        where T : struct, IElement
    {
        int lane = Block.Lane, g = lane >> 2, t = (lane & 3) * 2, top = Layout<W, C, N>.FirstRow, left = Layout<W, C, N>.FirstColumn;
        int square = Shared<C, C, T>.Stride, stride = Shared<C, N, T>.Stride, sumStride = Shared<C, N, SingleElement>.Stride;

        // The tokens that a product sums over are later if transposed, else those of its result.
        int given = transposed ? Decays.Shift(point) : 0, taken = transposed ? 0 : Decays.Shift(point);
        var rim = transposed ? top + 15 : top - 1;
        var fromA = transposed
            ? Asm.Of(a + (((lane & 7) + ((lane >> 4) << 3)) * square) + (top * 2) + (((lane >> 3) & 1) * 16))
            : Asm.Of(a + ((top + (lane & 15)) * square) + ((lane >> 4) * 16));
        var aStep = (uint)(transposed ? square : 2);
        var fromB = Asm.Of(from + ((lane & 15) * stride) + (left * 2));
        var givenSums = Asm.Of(sums + Shared<C, N, SingleElement>.At(t + given, left + g));
        var takenSums = Decays.Place<C, N>(sums, top + g + taken) + (uint)(left * 4);
        var rimColumn = Asm.Of(sums + Shared<C, N, SingleElement>.At(rim, left + g));
        var rimPlace = Decays.Place<C, N>(sums, rim) + (uint)(left * 4);
        var middle = Asm.Of(sums + Shared<C, N, SingleElement>.At(top + 7, left));

        var diagonal = LocalMemory.Allocate1D<uint>(4);
        var fragmentA = LocalMemory.Allocate1D<uint>(4);
        var fragmentB = LocalMemory.Allocate1D<uint>(2);
        var reference = LocalMemory.Allocate1D<float>(2);
        var numbers = LocalMemory.Allocate1D<float>(4);
        var rims = LocalMemory.Allocate1D<float>(Together<W, C, N>());
        var sum = LocalMemory.Allocate1D<float>(4 * Together<W, C, N>());
        Asm.LoadMatrix(diagonal, 0, fromA + ((uint)top * aStep), transposed);
        var triangles = new MixedTriangles<W, C, N, T>(a, from, sums, top, left, transposed);
        var seen = LocalMemory.Allocate1D<float>(16);
        triangles.Seen(seen, point);

        for (var first = 0; first < Layout<W, C, N>.SquaresAcross; first += Together<W, C, N>())
        {
            // What other blocks give.
            if (transposed ? top + 16 < C.Value : top > 0)
            {
                for (var j = 0; j < Together<W, C, N>(); j++)
                {
                    rims[j] = Asm.Load(rimColumn + (uint)((first + j) * 32));
                    for (var i = 0; i < 4; i++) sum[(4 * j) + i] = 0f;
                }

                var token = (uint)(transposed ? top + 16 : 0);
                do
                {
                    Asm.LoadMatrix(fragmentA, 0, fromA + (token * aStep), transposed);
                    uint tokensB = fromB + (token * (uint)stride), tokensSums = givenSums + (token * (uint)sumStride);
                    for (var j = 0; j < Together<W, C, N>(); j++)
                    {
                        Asm.LoadMatrixPair(fragmentB, tokensB + (uint)((first + j) * 16), true);
                        for (var i = 0; i < 2; i++)
                        {
                            var place = tokensSums + (uint)((i * 8 * sumStride) + ((first + j) * 32));
                            ScaleTokens<W, T>(fragmentB, i, place, (uint)sumStride, rims[j], transposed, numbers);
                        }

                        Asm.Multiply<T>(sum, 4 * j, fragmentA, 0, fragmentB[0], fragmentB[1]);
                    }

                    token += 16u;
                }
                while (token < (uint)(transposed ? C.Value : top));

                for (var j = 0; j < Together<W, C, N>(); j++)
                {
                    Asm.LoadPair(reference, 0, rimPlace + (uint)((first + j) * 32));
                    for (var i = 0; i < 4; i += 2)
                    {
                        var place = takenSums + (uint)((i * 4 * sumStride) + ((first + j) * 32));
                        AddDecayed<W>(d, (4 * (first + j)) + i, sum, (4 * j) + i, place, reference, !transposed, numbers);
                    }
                }
            }

            for (var j = 0; j < Together<W, C, N>(); j++)
            {
                // What the block's one half gives to the other.
                uint half = (uint)((first + j) * 16), whole = (uint)((first + j) * 32);
                for (var i = 0; i < 4; i++)
                {
                    sum[(4 * j) + i] = 0f;
                    fragmentA[i] = 0u;
                }

                fragmentA[transposed ? 2 : 1] = diagonal[transposed ? 2 : 1];
                Asm.LoadMatrixPair(fragmentB, fromB + (uint)(top * stride) + half, true);
                var giving = givenSums + (uint)((top + (transposed ? 8 : 0)) * sumStride) + whole;
                var atMiddle = Asm.Load(middle + (uint)(g * 4) + whole);
                ScaleTokens<W, T>(fragmentB, transposed ? 1 : 0, giving, (uint)sumStride, atMiddle, transposed, numbers);
                fragmentB[transposed ? 0 : 1] = 0u;
                Asm.Multiply<T>(sum, 4 * j, fragmentA, 0, fragmentB[0], fragmentB[1]);
                Asm.LoadPair(reference, 0, middle + (uint)(t * 4) + whole);
                var taking = takenSums + (uint)(transposed ? 0 : 8 * sumStride) + whole;
                var pair = transposed ? 0 : 2;
                AddDecayed<W>(d, (4 * (first + j)) + pair, sum, (4 * j) + pair, taking, reference, !transposed, numbers);

                triangles.Add(d, first + j, seen, point, numbers);
            }
        }
    }

    /// <summary>
    /// How many squares are computed at a time, so that one waits for memory while another computes: four, two or one. It is the lowest bit
    /// of their number or 4, without branches, as it is the size of arrays.
    /// </summary>
    private static int Together<W, C, N>()
        where W : struct, IBlock
        where C : struct, ISize
        where N : struct, ISize => (Layout<W, C, N>.SquaresAcross | 4) & -(Layout<W, C, N>.SquaresAcross | 4);

    /// <summary>Scales a pair of a fragment, which is of two tokens, by the decay between the rim and them.</summary>
    private static void ScaleTokens<W, T>(
        ArrayView<uint> fragment, int at, uint sums, uint stride, float rim, bool later, ArrayView<float> numbers)
        where W : struct, IBlock
        where T : struct, IElement
    {
        Asm.Unpack<T>(numbers, 0, fragment[at]);
        var low = numbers[0] * Decays.Factor<W>(Asm.Load(sums), rim, later);
        var high = numbers[1] * Decays.Factor<W>(Asm.Load(sums + stride), rim, later);
        fragment[at] = Asm.Pair<T>(low, high);
    }

    /// <summary>Adds two columns of a token that decayed from the rim.</summary>
    private static void AddDecayed<W>(
        ArrayView<float> d, int at, ArrayView<float> sum, int from, uint sums, ArrayView<float> rim, bool later, ArrayView<float> numbers)
        where W : struct, IBlock
    {
        Asm.LoadPair(numbers, 0, sums);
        for (var e = 0; e < 2; e++) d[at + e] += sum[from + e] * Decays.Factor<W>(numbers[e], rim[e], later);
    }
}
