using ILGPU;

namespace Fla.Dsl.Runtime.Gpu;

/// <content>States: of sequences, and of chunks that were kept.</content>
public static partial class Transfers
{
    /// <summary>Begins to copy a state that was kept; zeros if <paramref name="there"/> is false.</summary>
    public static void CopyState<W, M, N, T>(SharedAddress to, GpuTensor state, int rows, long index, int head, int heads, bool there)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize
        where T : struct, IElement =>
        Copy<W, M, N, T>(to, state.State<T>(index, head, heads, rows), state.Stride<T>(1), Numbers.Where(there, rows), state.Columns);

    /// <summary>The state of a sequence and head; zero where there is no tensor.</summary>
    public static void ReadState<W, M, N, T>(ArrayView<float> tile, GpuTensor state, int rows, long index, int head, int heads)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize
        where T : struct, IElement
    {
        for (var i = 0; i < Layout<W, M, N>.Count; i++) tile[i] = 0f;
        if (state.Address == 0) return;
        var from = state.State<T>(index, head, heads, rows);
        int row = Layout<W, M, N>.Row(0), column = Layout<W, M, N>.Column(0);
        long stride = state.Stride<T>(1), first = (row * stride) + ((long)column * T.Bytes);
        if (W.IsAligned && T.Bytes == 4)
        {
            for (var i = 0; i < Layout<W, M, N>.Count; i += 2)
            {
                int down = Layout<W, M, N>.RowStep(i), right = Layout<W, M, N>.ColumnStep(i);
                var inside = Numbers.Select(row + down < rows & column + right < state.Columns, 1, 0);
                Asm.ReadPairIf(inside, tile, i, from + first + (down * stride) + (right * 4L));
            }

            return;
        }

        for (var i = 0; i < Layout<W, M, N>.Count; i++)
        {
            int down = Layout<W, M, N>.RowStep(i), right = Layout<W, M, N>.ColumnStep(i);
            var inside = row + down < rows & column + right < state.Columns;
            var value = T.Read(from + Numbers.Select(inside, first + (down * stride) + (right * (long)T.Bytes), 0L));
            tile[i] = Numbers.Where(inside, value);
        }
    }

    /// <summary>The state of a sequence, or of a chunk, and head, if there is a tensor for it.</summary>
    public static void WriteState<W, M, N, T>(GpuTensor state, int rows, long index, int head, int heads, ArrayView<float> tile)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize
        where T : struct, IElement
    {
        if (state.Address == 0) return;
        Write<W, M, N, T>(state.State<T>(index, head, heads, rows), state.Stride<T>(1), rows, state.Columns, tile);
    }

    /// <summary>The same for a state that lies in shared memory.</summary>
    public static void WriteSharedState<W, M, N, T>(GpuTensor state, int rows, long index, int head, int heads, SharedAddress tile)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize
        where T : struct, IElement
    {
        if (state.Address == 0) return;
        WriteShared<W, M, N, T>(state.State<T>(index, head, heads, rows), state.Stride<T>(1), rows, state.Columns, tile);
    }
}
