using ILGPU;

namespace Fla.Dsl.Runtime.Gpu;

/// <summary>
/// A number for each token of a chunk, in shared memory as fp32. The first warp computes them: its lane has the tokens from
/// <c>lane * C / 32</c> on, so that what follows from one token alone needs no barrier; the rest of the block does.
/// </summary>
public static class Columns
{
    /// <summary>The size of one.</summary>
    public static int Bytes<C>()
        where C : struct, ISize => C.Value * 4;

    /// <summary>Whether this thread computes them.</summary>
    public static bool IsMine => Block.Warp == 0;

    /// <summary>The thread's i-th token of C / 32.</summary>
    public static int Token<C>(int i)
        where C : struct, ISize => (Block.Lane * (C.Value / 32)) + i;

    /// <summary>Reads a token's number.</summary>
    public static float Get(SharedAddress column, int token) => (column + (token * 4)).At<float>();

    /// <summary>The numbers of the rows of the thread's elements of a tile: that of the i-th element's at <c>RowOf(i)</c>.</summary>
    public static void OfRows<W, M, N>(ArrayView<float> own, SharedAddress column)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize
    {
        var first = column + (Layout<W, M, N>.Row(0) * 4);
        for (var i = 0; i < Layout<W, M, N>.Rows; i++) own[i] = Near<W>(first, Layout<W, M, N>.RowStep(Layout<W, M, N>.InRow(i)));
    }

    /// <summary>The numbers of the columns of the thread's elements of a tile: that of the i-th element's at <c>ColumnOf(i)</c>.</summary>
    public static void OfColumns<W, M, N>(ArrayView<float> own, SharedAddress column)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize
    {
        var first = column + (Layout<W, M, N>.Column(0) * 4);
        for (var i = 0; i < Layout<W, M, N>.Columns; i++) own[i] = Near<W>(first, Layout<W, M, N>.ColumnStep(Layout<W, M, N>.InColumn(i)));
    }

    private static float Near<W>(SharedAddress place, int token)
        where W : struct, IBlock => W.IsCuda ? Asm.Load(Asm.Of(place) + (uint)(token * 4)) : Get(place, token);

    /// <summary>Writes a token's number.</summary>
    public static void Set(SharedAddress column, int token, float value) => (column + (token * 4)).At<float>() = value;

    /// <summary>The thread's tokens of a column, in registers.</summary>
    public static ArrayView<float> New<C>()
        where C : struct, ISize => LocalMemory.Allocate1D<float>(C.Value / 32);

    /// <summary>
    /// The thread's tokens of a tensor of one number a token; 0 past its end. What is read is waited for where it is used.
    /// </summary>
    public static void Read<C, T>(ArrayView<float> own, long from, long stride, int rows)
        where C : struct, ISize
        where T : struct, IElement
    {
        if (!IsMine || rows <= 0) return;
        for (var i = 0; i < C.Value / 32; i++)
        {
            var token = Token<C>(i);
            var value = T.Read(from + (Numbers.Select(token < rows, token, 0) * stride));
            own[i] = Numbers.Where(token < rows, value);
        }
    }

    /// <summary>Puts the thread's tokens into a column.</summary>
    public static void Put<C>(SharedAddress to, ArrayView<float> own)
        where C : struct, ISize
    {
        if (!IsMine) return;
        for (var i = 0; i < C.Value / 32; i++) Set(to, Token<C>(i), own[i]);
    }

    /// <summary>Writes a number of each token to a tensor.</summary>
    public static void Write<W, C, T>(long to, long stride, int rows, SharedAddress column)
        where W : struct, IBlock
        where C : struct, ISize
        where T : struct, IElement
    {
        for (var i = 0; i < C.Value / 32; i++)
            Memory.WriteIf<W, T>(Token<C>(i) < rows, to + (Token<C>(i) * stride), Get(column, Token<C>(i)));
    }

    /// <summary>The sum of a line, for every thread.</summary>
    public static float Total<C>(SharedAddress line)
        where C : struct, ISize
    {
        var (sum, i) = (0f, 0);
        do
        {
            sum += Get(line, i);
            i++;
        }
        while (i < C.Value);
        return sum;
    }

    /// <summary>1 for a token, 0 for padding.</summary>
    public static float IsToken(int token, int rows) => Numbers.Select(token < rows, 1f, 0f);

    /// <summary>The sum of the tokens up to each, or from it on; with or without its own.</summary>
    public static void CumulativeSum<W, C>(SharedAddress to, SharedAddress from, bool reverse, bool exclusive)
        where W : struct, IBlock
        where C : struct, ISize
    {
        if (W.IsCuda)
        {
            // The lane's own tokens, in the order of summing, then what the lanes before it have.
            var own = LocalMemory.Allocate1D<float>(C.Value / 32);
            var sum = 0f;
            for (var i = 0; i < C.Value / 32; i++)
            {
                own[i] = sum;
                sum += Get(from, Nth<C>(i, reverse));
                if (!exclusive) own[i] = sum;
            }

            var upTo = sum;
            for (var step = 1; step < 32; step += step)
            {
                var other = reverse ? Warp.ShuffleDown(upTo, step) : Warp.ShuffleUp(upTo, step);
                upTo += Numbers.Where(reverse ? Block.Lane + step < 32 : Block.Lane >= step, other);
            }

            for (var i = 0; i < C.Value / 32; i++) Set(to, Nth<C>(i, reverse), upTo - sum + own[i]);
        }
        else
        {
            Warp.Barrier();
            for (var i = 0; i < C.Value / 32; i++)
            {
                var sum = 0f;
                for (var token = 0; token < C.Value; token++)
                {
                    var counts = reverse ? token > Token<C>(i) : token < Token<C>(i);
                    if (counts || (token == Token<C>(i) && !exclusive)) sum += Get(from, token);
                }

                Set(to, Token<C>(i), sum);
            }
        }
    }

    private static int Nth<C>(int i, bool reverse)
        where C : struct, ISize => Token<C>(reverse ? (C.Value / 32) - 1 - i : i);
}
