using ILGPU;

namespace Fla.Dsl.Runtime.Gpu;

/// <summary>
/// Products of fp32 tiles on tensor cores. They multiply numbers of 11 bits (TF32), so that each operand is split into two of them, and of
/// the four products all are summed but that of the two lesser halves, at fp32's last places. They cut off where they add, so that
/// products are added to the tile outside of them, eight at a time. Ootomo and Yokota, 2022, arXiv:2203.03341. Operands of a
/// <see cref="TensorFloatElement"/> are rounded to 11 bits instead.
/// </summary>
internal static class SingleProducts
{
    /// <summary>An element of an operand as products take it.</summary>
    public static float Operand<W, T>(float x)
        where W : struct, IBlock
        where T : struct, IElement
    {
        if (T.IsRoundedInProducts) x = TensorFloat.Rounded<W>(x);
        return x;
    }

    /// <summary>
    /// <c>d += a b</c>, or <c>d += a diag(s) b</c> for scales s, for d MxN in registers and operands in shared memory, either transposed;
    /// on CUDA only.
    /// </summary>
    public static void Multiply<W, M, N, K, T>(
        ArrayView<float> d, SharedAddress a, bool transposeA, SharedAddress b, bool transposeB, SharedAddress scales, bool scaled)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize
        where K : struct, ISize
        where T : struct, IElement
    {
        int lane = Block.Lane, row = Layout<W, M, N>.FirstRow, column = Layout<W, M, N>.FirstColumn;
        int down = Layout<W, M, N>.SquaresDown, across = Layout<W, M, N>.SquaresAcross;
        int strideA = transposeA ? Shared<K, M, T>.Stride : Shared<M, K, T>.Stride;
        int strideB = transposeB ? Shared<N, K, T>.Stride : Shared<K, N, T>.Stride;
        int nextRow = transposeA ? T.Bytes : strideA, alongA = transposeA ? strideA : T.Bytes;
        int nextColumn = transposeB ? strideB : T.Bytes, alongB = transposeB ? T.Bytes : strideB;

        // A lane has two k of eight. Those of ldmatrix, t and t + 4, where b's columns are contiguous; else 2t and 2t + 1, as four rows of
        // b that are two apart lie in different banks.
        int first = transposeB ? lane & 3 : (lane & 3) * 2, second = transposeB ? 4 : 1;
        var matricesOfA = transposeB && !transposeA;
        var fromA = Asm.Of(a + (matricesOfA
            ? ((row + (lane & 15)) * strideA) + ((lane >> 4) * 16)
            : ((row + (lane >> 2)) * nextRow) + (first * alongA)));
        var fromB = Asm.Of(b + (transposeB
            ? ((column + (lane & 7)) * strideB) + (((lane >> 3) & 1) * 16)
            : ((column + (lane >> 2)) * nextColumn) + (first * alongB)));
        var fromScales = Asm.Of(scales + (first * 4));
        var highA = LocalMemory.Allocate1D<uint>(down * 4);
        var lowA = LocalMemory.Allocate1D<uint>(down * 4);
        var highB = LocalMemory.Allocate1D<uint>(2);
        var lowB = LocalMemory.Allocate1D<uint>(2);

        // Not a for: the loop over k is not to be unrolled, those over squares are.
        var k = 0;
        do
        {
            for (var i = 0; i < down; i++)
            {
                if (matricesOfA)
                {
                    Asm.LoadMatrix(highA, i * 4, fromA + (uint)(i * 16 * strideA), false);
                }
                else
                {
                    for (var q = 0; q < 4; q++)
                    {
                        var offset = (((i * 16) + ((q & 1) * 8)) * nextRow) + ((q >> 1) * second * alongA);
                        highA[(i * 4) + q] = Interop.FloatAsInt(Asm.Load(fromA + (uint)offset));
                    }
                }
            }

            if (scaled) Scale(highA, down, Asm.Load(fromScales), Asm.Load(fromScales + (uint)(second * 4)));
            for (var i = 0; i < down * 4; i++) Take<W, T>(highA, lowA, i);
            for (var j = 0; j < across; j++)
            {
                var square = fromB + (uint)(j * 8 * nextColumn);
                if (transposeB)
                {
                    Asm.LoadMatrixPair(highB, square, false);
                }
                else
                {
                    highB[0] = Interop.FloatAsInt(Asm.Load(square));
                    highB[1] = Interop.FloatAsInt(Asm.Load(square + (uint)(second * alongB)));
                }

                for (var i = 0; i < 2; i++) Take<W, T>(highB, lowB, i);
                for (var i = 0; i < down; i++) Add<T>(d, ((i * across) + j) * 4, highA, lowA, i * 4, highB, lowB);
            }

            fromA += (uint)(8 * alongA);
            fromB += (uint)(8 * alongB);
            fromScales += 8 * 4;
            k += 8;
        }
        while (k < K.Value);
    }

    /// <summary>16x8 squares of a left operand, the two columns that the lane has each times its number.</summary>
    private static void Scale(ArrayView<uint> fragment, int squares, float first, float second)
    {
        for (var i = 0; i < squares * 4; i++)
            fragment[i] = Interop.FloatAsInt(Interop.IntAsFloat(fragment[i]) * Numbers.Select((i & 2) == 0, first, second));
    }

    /// <summary>Of an element that was read, what tensor cores multiply.</summary>
    private static void Take<W, T>(ArrayView<uint> high, ArrayView<uint> low, int i)
        where W : struct, IBlock
        where T : struct, IElement
    {
        var x = Interop.IntAsFloat(high[i]);
        if (T.IsRoundedInProducts) high[i] = Interop.FloatAsInt(Operand<W, T>(x));
        else TensorFloat.Split<W>(high, low, i, x);
    }

    /// <summary>Eight products to each element of a square.</summary>
    private static void Add<T>(
        ArrayView<float> d, int square, ArrayView<uint> highA, ArrayView<uint> lowA, int at, ArrayView<uint> highB, ArrayView<uint> lowB)
        where T : struct, IElement
    {
        if (T.IsRoundedInProducts)
        {
            Asm.MultiplySingle(d, square, highA, at, highB, 0);
        }
        else
        {
            var sums = LocalMemory.Allocate1D<float>(4);
            for (var i = 0; i < 4; i++) sums[i] = 0f;
            Asm.MultiplySingle(sums, 0, lowA, at, highB, 0);
            Asm.MultiplySingle(sums, 0, highA, at, lowB, 0);
            Asm.MultiplySingle(sums, 0, highA, at, highB, 0);
            for (var i = 0; i < 4; i++) d[square + i] += sums[i];
        }
    }
}
