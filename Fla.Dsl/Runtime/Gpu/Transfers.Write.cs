using ILGPU;
using ILGPU.Runtime.Cuda;

namespace Fla.Dsl.Runtime.Gpu;

/// <content>From registers and shared memory to tensors.</content>
public static partial class Transfers
{
    /// <summary>Writes a tile in registers to rows of a tensor.</summary>
    public static void Write<W, M, N, T>(long to, long stride, int rows, int columns, ArrayView<float> tile)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize
        where T : struct, IElement
    {
        int row = Layout<W, M, N>.Row(0), column = Layout<W, M, N>.Column(0);
        var first = to + (row * stride) + ((long)column * T.Bytes);
        if (W.IsCuda && (W.IsAligned || (T.TensorCoreType != 0 && ((to | stride | ((long)columns * 2)) & 3) == 0)))
        {
            for (var i = 0; i < Layout<W, M, N>.Count; i += 2)
            {
                int down = Layout<W, M, N>.RowStep(i), right = Layout<W, M, N>.ColumnStep(i);
                var inside = Numbers.Select(row + down < rows & column + right < columns, 1, 0);
                Asm.WritePairIf<T>(inside, first + (down * stride) + (right * (long)T.Bytes), tile[i], tile[i + 1]);
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
    /// Writes a tile in registers to rows of a tensor, 16 bytes a thread: each warp by way of a part of some shared memory that nobody
    /// reads or writes meanwhile but for such writes. Where that is too small the registers are written as they are.
    /// </summary>
    /// <param name="to">The first row.</param>
    /// <param name="stride">From one row to the next.</param>
    /// <param name="rows">Rows that there are.</param>
    /// <param name="columns">Columns that there are.</param>
    /// <param name="tile">The tile.</param>
    /// <param name="spare">The shared memory.</param>
    /// <param name="spareBytes">Its size.</param>
    public static void Write<W, M, N, T>(
        long to, long stride, int rows, int columns, ArrayView<float> tile, SharedAddress spare, int spareBytes)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize
        where T : struct, IElement
    {
        // Eight rows of a warp's rectangle at a time, padded as in shared memory tiles are.
        int across = N.Value / Layout<W, M, N>.WarpsAcross, pieces = across * T.Bytes / 16, pad = (across * T.Bytes) + 16;
        if (!W.IsCuda || T.TensorCoreType == 0 || pieces == 0 || 8 * W.Value * pad > spareBytes)
        {
            Write<W, M, N, T>(to, stride, rows, columns, tile);
            return;
        }

        var waiting = spare + (Block.Warp * 8 * pad);
        var own = Asm.Of(waiting + ((Block.Lane >> 2) * pad) + ((Block.Lane & 3) * 4));
        int first = Block.Lane / pieces, offset = Block.Lane % pieces * 16, together = 32 / pieces;
        int row = Layout<W, M, N>.FirstRow + first, column = Layout<W, M, N>.FirstColumn + (offset / T.Bytes);
        var end = Numbers.Select(column < columns, rows, 0);
        long target = to + (row * (long)(int)stride) + ((long)column * T.Bytes), down = Numbers.Lesser(together, 8) * (long)(int)stride;
        var place = Asm.Of(waiting + (first * pad) + offset);
        var aligned = IsAligned<W, T>(to, stride, columns);
        for (var eight = 0; eight < 2 * Layout<W, M, N>.SquaresDown; eight++)
        {
            Warp.Barrier();
            for (var square = 0; square < Layout<W, M, N>.SquaresAcross; square++)
            {
                var i = (((eight / 2 * Layout<W, M, N>.SquaresAcross) + square) * 4) + ((eight & 1) * 2);
                var pair = Asm.Pair<T>(tile[i], tile[i + 1]);
                CudaAsm.Emit("st.shared.b32 [%0], %1;", own + (uint)(square * 16), pair);
            }

            Warp.Barrier();
            if (aligned)
            {
                for (var i = 0; i < (7 + together) / together; i++)
                {
                    var step = i * together;
                    var inside = Numbers.Select(row + (eight * 8) + step < end & first + step < 8, 1, 0);
                    Asm.Move16If(inside, target, place + (uint)(step * pad));
                    target += down;
                }
            }
            else
            {
                var firstRow = Layout<W, M, N>.FirstRow + (8 * eight);
                OneByOne<W, T>(to, stride, rows, columns, firstRow, Layout<W, M, N>.FirstColumn, across, waiting);
            }
        }
    }

    /// <summary>Writes eight rows that wait in shared memory.</summary>
    private static void OneByOne<W, T>(
        long to, long stride, int rows, int columns, int firstRow, int firstColumn, int across, SharedAddress waiting)
        where W : struct, IBlock
        where T : struct, IElement
    {
        var i = Block.Lane;
        do
        {
            int row = firstRow + (i / across), column = firstColumn + (i % across);
            if (row < rows && column < columns)
            {
                var from = waiting + (i / across * ((across * T.Bytes) + 16)) + (i % across * T.Bytes);
                T.Write(to + (row * stride) + ((long)column * T.Bytes), T.ReadShared(from));
            }

            i += 32;
        }
        while (i < 8 * across);
    }

    /// <summary>Writes a tile that lies in shared memory to rows of a tensor.</summary>
    public static void WriteShared<W, M, N, T>(long to, long stride, int rows, int columns, SharedAddress tile)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize
        where T : struct, IElement
    {
        int threads = 32 * W.Value, across = N.Value * T.Bytes / 16, all = M.Value * across;
        if (W.IsCuda && threads % across == 0 && all % threads == 0 && IsAligned<W, T>(to, stride, columns))
        {
            int first = Group.IdxX / across, offset = Group.IdxX % across * 16;
            var end = Numbers.Select(offset < columns * T.Bytes, rows, 0);
            long target = to + (first * (long)(int)stride) + offset, down = threads / across * (long)(int)stride;
            var place = Asm.Of(tile + ((first * Shared<M, N, T>.Stride) + offset));
            for (var i = 0; i < all / threads; i++)
            {
                var step = i * (threads / across);
                var inside = Numbers.Select(first + step < end, 1, 0);
                Asm.Move16If(inside, target, place + (uint)(step * Shared<M, N, T>.Stride));
                target += down;
            }
        }
        else
        {
            // Not a for: it is not to be unrolled.
            var i = Group.IdxX;
            do
            {
                int row = i / N.Value, column = i % N.Value;
                if (row < rows && column < columns)
                    T.Write(to + (row * stride) + (column * (long)T.Bytes), T.ReadShared(tile + Shared<M, N, T>.At(row, column)));
                i += threads;
            }
            while (i < M.Value * N.Value);
        }
    }
}
