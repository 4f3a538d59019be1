using ILGPU;
using ILGPU.Runtime.Cuda;

namespace Fla.Dsl.Runtime.Gpu;

/// <summary>
/// Rows of tensors to shared memory, and from registers back to tensors. A tile may stick out of its tensor: what it reads there is 0.
/// A row of a tensor, of all heads, has less than 2 GiB.
/// </summary>
public static class Transfers
{
    /// <summary>
    /// Begins to copy rows of a tensor to a tile in shared memory; they are there after <see cref="Arrive{W}"/> and a barrier.
    /// </summary>
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
        if (W.IsCuda && N.Value * T.Bytes >= 16 && ((from | stride | (columns * (long)T.Bytes)) & 15) == 0) InPieces<W, M, N, T>(to, from, stride, rows, columns);
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
        int row = Layout<W, M, N>.Row(0), column = Layout<W, M, N>.Column(0);
        var first = to + (row * stride) + ((long)column * T.Bytes);
        if (W.IsCuda && T.TensorCoreType != 0 && ((to | stride | ((long)columns * 2)) & 3) == 0)
        {
            for (var i = 0; i < Layout<W, M, N>.Count; i += 2)
            {
                int down = Layout<W, M, N>.RowStep(i), right = Layout<W, M, N>.ColumnStep(i);
                var address = first + (down * stride) + (right * 2L);
                var pair = Asm.Pair<T>(tile[i], tile[i + 1]);
                var inside = ILGPU.Util.Utilities.Select(row + down < rows & column + right < columns, 1, 0);
                CudaAsm.Emit("{ .reg .pred p; setp.ne.s32 p, %2, 0; @p st.global.b32 [%0], %1; }", address, pair, inside);
            }
        }
        else
        {
            for (var i = 0; i < Layout<W, M, N>.Count; i++)
            {
                int down = Layout<W, M, N>.RowStep(i), right = Layout<W, M, N>.ColumnStep(i);
                var inside = row + down < rows & column + right < columns;
                Memory.WriteIf<W, T>(inside, first + (down * stride) + (right * (long)T.Bytes), tile[i]);
            }
        }
    }

    /// <summary>
    /// Writes a tile in registers to rows of a tensor, each warp its own rectangle by way of shared memory as large as the tile that no
    /// other warp uses meanwhile.
    /// </summary>
    public static void Write<W, M, N, T>(long to, long stride, int rows, int columns, ArrayView<float> tile, SharedAddress spare)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize
        where T : struct, IElement
    {
        int down = M.Value / Layout<W, M, N>.WarpsDown, across = N.Value / Layout<W, M, N>.WarpsAcross, pieces = across * T.Bytes / 16;
        if (!W.IsCuda || T.TensorCoreType == 0 || pieces == 0 || 32 % pieces != 0 || down * pieces % 32 != 0)
        {
            Write<W, M, N, T>(to, stride, rows, columns, tile);
            return;
        }

        Warp.Barrier();
        Tile.Store<W, M, N, T>(spare, tile);
        Warp.Barrier();
        int firstRow = Layout<W, M, N>.FirstRow, firstColumn = Layout<W, M, N>.FirstColumn;
        if (((to | stride | (columns * (long)T.Bytes)) & 15) == 0)
        {
            var row = firstRow + (Block.Lane / pieces);
            var column = firstColumn + (Block.Lane % pieces * (16 / T.Bytes));
            var place = Asm.Of(spare + Shared<M, N, T>.At(row, column));
            var target = to + (row * (long)(int)stride) + ((long)column * T.Bytes);
            var end = ILGPU.Util.Utilities.Select(column < columns, rows, 0);
            for (var i = 0; i < down * pieces / 32; i++)
            {
                var step = i * (32 / pieces);
                var inside = ILGPU.Util.Utilities.Select(row + step < end, 1, 0);
                Asm.Move16If(inside, target + (step * (long)(int)stride), place + (uint)(step * Shared<M, N, T>.Stride));
            }
        }
        else
        {
            // Not a for: it is not to be unrolled.
            var i = Block.Lane;
            do
            {
                int row = firstRow + (i / across), column = firstColumn + (i % across);
                if (row < rows && column < columns)
                    T.Write(to + (row * stride) + ((long)column * T.Bytes), T.ReadShared(spare + Shared<M, N, T>.At(row, column)));
                i += 32;
            }
            while (i < down * across);
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
        int row = Layout<W, M, N>.Row(0), column = Layout<W, M, N>.Column(0);
        long stride = state.Stride<T>(1), first = (row * stride) + ((long)column * T.Bytes);
        for (var i = 0; i < Layout<W, M, N>.Count; i++)
        {
            int down = Layout<W, M, N>.RowStep(i), right = Layout<W, M, N>.ColumnStep(i);
            var inside = row + down < rows & column + right < state.Columns;
            var value = T.Read(from + ILGPU.Util.Utilities.Select(inside, first + (down * stride) + (right * (long)T.Bytes), 0L));
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
        // 16 bytes a thread at a time: whole rows at once where the block's threads are a multiple of a row's pieces.
        int threads = 32 * W.Value, across = N.Value * T.Bytes / 16, all = M.Value * across;
        if (threads % across == 0 && all % threads == 0)
        {
            int first = Group.IdxX / across, offset = Group.IdxX % across * 16;
            var there = ILGPU.Util.Utilities.Select(offset < columns * T.Bytes, 16, 0);
            var source = from + (first * (long)(int)stride) + offset;
            var place = Asm.Of(to + ((first * Shared<M, N, T>.Stride) + offset));
            for (var i = 0; i < all / threads; i++)
            {
                var row = i * (threads / across);
                var bytes = ILGPU.Util.Utilities.Select(first + row < rows, there, 0);
                Asm.CopyLater(place + (uint)(row * Shared<M, N, T>.Stride), source + (row * (long)(int)stride), bytes);
            }
        }
        else
        {
            // Past the last piece some threads copy what others do.
            for (var i = 0; i < (all + threads - 1) / threads; i++)
            {
                var piece = (uint)(Group.IdxX + (i * threads)) % (uint)all;
                int row = (int)(piece / (uint)across), offset = (int)(piece % (uint)across) * 16;
                var there = ILGPU.Util.Utilities.Select(row < rows & offset < columns * T.Bytes, 16, 0);
                Asm.CopyLater(Asm.Of(to + ((row * Shared<M, N, T>.Stride) + offset)), from + (row * stride) + offset, there);
            }
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
