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
    /// <c>d += a b</c>, or <c>d += a diag(s) b</c> for scales s, for d MxN in registers and operands in shared memory, either transposed; on
    /// CUDA only.
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

        // A lane has two k of eight. Those of ldmatrix, t and t + 4, where b's columns are contiguous; else 2t and 2t + 1, as four rows of b
        // that are two apart lie in different banks.
        int first = transposeB ? lane & 3 : (lane & 3) * 2, second = transposeB ? 4 : 1;
        var matricesOfA = transposeB && !transposeA;
        var fromA = Asm.Of(a + (matricesOfA
            ? ((row + (lane & 15)) * strideA) + ((lane >> 4) * 16)
            : ((row + (lane >> 2)) * nextRow) + (first * alongA)));
        var fromB = Asm.Of(b + (transposeB
            ? ((column + (lane & 7) + ((lane >> 4) << 3)) * strideB) + (((lane >> 3) & 1) * 16)
            : ((column + (lane >> 2)) * nextColumn) + (first * alongB)));
        var fromScales = Asm.Of(scales + (first * 4));
        var highA = LocalMemory.Allocate1D<uint>(down * 4);
        var lowA = LocalMemory.Allocate1D<uint>(down * 4);

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
                        highA[(i * 4) + q] = Interop.FloatAsInt(Asm.LoadSingle(fromA + (uint)offset));
                    }
                }
            }

            if (scaled) Scale(highA, down, Asm.LoadSingle(fromScales), Asm.LoadSingle(fromScales + (uint)(second * 4)));
            for (var i = 0; i < down * 4; i++) Take<W, T>(highA, lowA, i);
            for (var j = 0; j < across / 2; j++)
                Columns<W, T>(d, j * 2, 2, down, across, highA, lowA, fromB, transposeB, nextColumn, second * alongB);
            if (across % 2 != 0)
                Columns<W, T>(d, across - 1, 1, down, across, highA, lowA, fromB, transposeB, nextColumn, second * alongB);
            fromA += (uint)(8 * alongA);
            fromB += (uint)(8 * alongB);
            fromScales += 8 * 4;
            k += 8;
        }
        while (k < K.Value);
    }

    /// <summary>
    /// Eight products to each element of squares that stand in one column or in two beside each other. One waits for its product while the
    /// others have theirs.
    /// </summary>
    private static void Columns<W, T>(
        ArrayView<float> d, int first, int count, int down, int across, ArrayView<uint> highA, ArrayView<uint> lowA,
        uint fromB, bool transposeB, int nextColumn, int second)
        where W : struct, IBlock
        where T : struct, IElement
    {
        var highB = LocalMemory.Allocate1D<uint>(count * 2);
        var lowB = LocalMemory.Allocate1D<uint>(count * 2);
        var from = fromB + (uint)(first * 8 * nextColumn);
        if (transposeB)
        {
            if (count == 2) Asm.LoadMatrix(highB, 0, from, false);
            else Asm.LoadMatrixPair(highB, from, false);
        }
        else
        {
            for (var i = 0; i < count * 2; i++)
                highB[i] = Interop.FloatAsInt(Asm.LoadSingle(from + (uint)(((i >> 1) * 8 * nextColumn) + ((i & 1) * second))));
        }

        for (var i = 0; i < count * 2; i++) Take<W, T>(highB, lowB, i);
        if (T.IsRoundedInProducts)
        {
            for (var j = 0; j < count; j++)
                for (var i = 0; i < down; i++) Asm.MultiplySingle(d, ((i * across) + first + j) * 4, highA, i * 4, highB, j * 2);
        }
        else
        {
            var sums = LocalMemory.Allocate1D<float>(count * down * 4);
            for (var i = 0; i < count * down * 4; i++) sums[i] = 0f;
            AddProducts(sums, count, down, lowA, highB);
            AddProducts(sums, count, down, highA, lowB);
            AddProducts(sums, count, down, highA, highB);
            for (var j = 0; j < count; j++)
                for (var i = 0; i < down; i++)
                    for (var e = 0; e < 4; e++) d[(((i * across) + first + j) * 4) + e] += sums[(((j * down) + i) * 4) + e];
        }
    }

    private static void AddProducts(ArrayView<float> sums, int count, int down, ArrayView<uint> a, ArrayView<uint> b)
    {
        for (var j = 0; j < count; j++)
            for (var i = 0; i < down; i++) Asm.MultiplySingle(sums, ((j * down) + i) * 4, a, i * 4, b, j * 2);
    }

    /// <summary>16x8 squares of a left operand, the two columns that the lane has each times its number.</summary>
    private static void Scale(ArrayView<uint> fragment, int squares, float first, float second)
    {
        for (var i = 0; i < squares * 4; i++)
            fragment[i] = Interop.FloatAsInt(Interop.IntAsFloat(fragment[i]) * ILGPU.Util.Utilities.Select((i & 2) == 0, first, second));
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
}
