using ILGPU;
using ILGPU.Runtime.Cuda;

namespace Fla.Dsl.Runtime.Gpu;

/// <summary>Rows of tensors to shared memory, and from registers back to tensors. A tile may stick out of its tensor: what it reads there is 0.</summary>
public static class Transfers
{
    /// <summary>Begins to copy rows of a tensor to a tile in shared memory; they are there after <see cref="Arrive{W}"/> and a barrier.</summary>
    /// <param name="to">The tile.</param>
    /// <param name="from">The first row.</param>
    /// <param name="stride">From one row to the next.</param>
    /// <param name="rows">Rows that there are.</param>
    /// <param name="columns">Columns that there are.</param>
    public static void Copy<W, M, N, T>(SharedAddress to, long from, long stride, int rows, int columns)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize
        where T : struct, IElement
    {
        if (W.IsCuda && ((from | stride | (columns * (long)T.Bytes)) & 15) == 0) InPieces<W, M, N, T>(to, from, stride, rows, columns);
        else OneByOne<W, M, N, T>(to, from, stride, rows, columns);
    }

    /// <summary>Ends a group of copies.</summary>
    public static void Depart<W>()
        where W : struct, IBlock
    {
        if (W.IsCuda) CudaAsm.Emit("cp.async.commit_group;");
    }

    /// <summary>Waits for this thread's copies.</summary>
    public static void Arrive<W>()
        where W : struct, IBlock
    {
        if (W.IsCuda) CudaAsm.Emit("cp.async.wait_group 0;");
    }

    /// <summary>Writes a tile in registers to rows of a tensor.</summary>
    public static void Write<W, M, N, T>(long to, long stride, int rows, int columns, ArrayView<float> tile)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize
        where T : struct, IElement
    {
        if (W.IsCuda && T.TensorCoreType != 0 && ((to | stride | ((long)columns * 2)) & 3) == 0)
        {
            for (var i = 0; i < Layout<W, M, N>.Count; i += 2)
            {
                int row = Layout<W, M, N>.Row(i), column = Layout<W, M, N>.Column(i);
                var address = to + (row * stride) + (column * 2L);
                var pair = Asm.Pair<T>(tile[i], tile[i + 1]);
                var inside = ILGPU.Util.Utilities.Select(row < rows & column < columns, 1, 0);
                CudaAsm.Emit("{ .reg .pred p; setp.ne.s32 p, %2, 0; @p st.global.b32 [%0], %1; }", address, pair, inside);
            }
        }
        else
        {
            for (var i = 0; i < Layout<W, M, N>.Count; i++)
            {
                int row = Layout<W, M, N>.Row(i), column = Layout<W, M, N>.Column(i);
                Memory.WriteIf<W, T>(row < rows & column < columns, to + (row * stride) + (column * (long)T.Bytes), tile[i]);
            }
        }
    }

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
        for (var i = 0; i < Layout<W, M, N>.Count; i++)
        {
            int row = Layout<W, M, N>.Row(i), column = Layout<W, M, N>.Column(i);
            var inside = row < rows & column < state.Columns;
            var value = T.Read(from + ILGPU.Util.Utilities.Select(inside, state.Stride<T>(row) + (column * (long)T.Bytes), 0L));
            tile[i] = ILGPU.Util.Utilities.Select(inside, value, 0f);
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

    private static void InPieces<W, M, N, T>(SharedAddress to, long from, long stride, int rows, int columns)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize
        where T : struct, IElement
    {
        var pieces = (uint)(N.Value * T.Bytes / 16);
        for (var i = 0; i < M.Value * N.Value * T.Bytes / 16 / (32 * W.Value); i++)
        {
            var piece = (uint)(Group.IdxX + (i * 32 * W.Value));
            int row = (int)(piece / pieces), offset = (int)(piece % pieces) * 16;
            var there = ILGPU.Util.Utilities.Select(row < rows & offset < columns * T.Bytes, 16, 0);
            Asm.CopyLater(Asm.Of(to + ((row * Shared<M, N, T>.Stride) + offset)), from + (ILGPU.Util.Utilities.Select(row < rows, row, 0) * stride) + offset, there);
        }
    }

    private static void OneByOne<W, M, N, T>(SharedAddress to, long from, long stride, int rows, int columns)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize
        where T : struct, IElement
    {
        var i = Group.IdxX;
        do
        {
            int row = i / N.Value, column = i % N.Value;
            var value = 0f;
            if (row < rows && column < columns) value = T.Read(from + (row * stride) + (column * (long)T.Bytes));
            T.WriteShared(to + Shared<M, N, T>.At(row, column), value);
            i += 32 * W.Value;
        }
        while (i < M.Value * N.Value);
    }
}
