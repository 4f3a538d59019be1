using ILGPU;
using ILGPU.Runtime.Cuda;

namespace Fla.Dsl.Runtime.Gpu;

/// <summary>
/// Rows of tensors to shared memory, and back to tensors. A tile may stick out of its tensor: what it reads there is 0. A row of a tensor,
/// of all heads, has less than 2 GiB.
/// </summary>
public static partial class Transfers
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
        if (W.IsCuda && N.Value * T.Bytes >= 16 && IsAligned<W, T>(from, stride, columns))
            InPieces<W, M, N, T>(to, from, stride, rows, columns);
        else
            OneByOne<W, M, N, T>(to, from, stride, rows, columns);
    }

    /// <summary>Begins to copy the rows of a chunk's tokens.</summary>
    /// <param name="to">The tile.</param>
    /// <param name="tensor">The tensor.</param>
    /// <param name="first">The sequence's first token.</param>
    /// <param name="start">The chunk's first token in the sequence; the tile is 0 for a chunk before or after it.</param>
    /// <param name="tokens">The sequence's tokens.</param>
    /// <param name="head">The head.</param>
    /// <param name="heads">How many there are.</param>
    public static void CopyTokens<W, M, N, T>(SharedAddress to, GpuTensor tensor, long first, int start, int tokens, int head, int heads)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize
        where T : struct, IElement
    {
        var from = tensor.Row<T>(first + start, head, heads);
        Copy<W, M, N, T>(to, from, tensor.Stride<T>(), Memory.RowsAt<M>(start, tokens), tensor.Columns);
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

    // Whether rows can be moved 16 bytes at a time.
    private static bool IsAligned<W, T>(long first, long stride, int columns)
        where W : struct, IBlock
        where T : struct, IElement => W.IsAligned || ((first | stride | (columns * (long)T.Bytes)) & 15) == 0;

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
            var there = Numbers.Select(offset < columns * T.Bytes, 16, 0);
            // What is added again and again is one number, where products would be one each, and all kept from chunk to chunk.
            long source = from + (first * (long)(int)stride) + offset, step = threads / across * (long)(int)stride;
            var place = Asm.Of(to + ((first * Shared<M, N, T>.Stride) + offset));
            for (var i = 0; i < all / threads; i++)
            {
                var row = i * (threads / across);
                var bytes = Numbers.Select(first + row < rows, there, 0);
                Asm.CopyLater(place + (uint)(row * Shared<M, N, T>.Stride), source, bytes);
                source += step;
            }
        }
        else
        {
            // Past the last piece some threads copy what others do.
            for (var i = 0; i < (all + threads - 1) / threads; i++)
            {
                var piece = (uint)(Group.IdxX + (i * threads)) % (uint)all;
                int row = (int)(piece / (uint)across), offset = (int)(piece % (uint)across) * 16;
                var there = Numbers.Select(row < rows & offset < columns * T.Bytes, 16, 0);
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
