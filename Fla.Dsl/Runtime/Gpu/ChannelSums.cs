using ILGPU;

namespace Fla.Dsl.Runtime.Gpu;

/// <summary>
/// What all channels see of a token, N numbers in shared memory, and sums over the channels, which are its gradient: each warp has those of
/// its channels for each token of a chunk, and at the chunk's end the block adds them up.
/// </summary>
public static class ChannelSums
{
    /// <summary>The shared memory for them.</summary>
    public static int Bytes<W, C, N>()
        where W : struct, IBlock
        where C : struct, ISize
        where N : struct, ISize => W.Value * C.Value * N.Value * 4;

    /// <summary>Reads what all channels see of a token.</summary>
    public static void Load<W, N, T>(ArrayView<float> to, SharedAddress from)
        where W : struct, IBlock
        where N : struct, ISize
        where T : struct, IElement
    {
        if (W.IsCuda && T.TensorCoreType != 0)
        {
            for (var n = 0; n < N.Value; n += 2) Asm.LoadHalves<T>(to, n, Asm.Of(from + (n * 2)));
        }
        else if (T.Bytes == 4)
        {
            for (var n = 0; n < N.Value; n += 4) Shared4.Read<W>(to, n, from + (n * 4));
        }
        else
        {
            for (var n = 0; n < N.Value; n++) to[n] = T.ReadShared(from + (n * T.Bytes));
        }
    }

    /// <summary>Before the first chunk.</summary>
    public static void Begin<W, C, N>(SharedAddress sums)
        where W : struct, IBlock
        where C : struct, ISize
        where N : struct, ISize
    {
        if (W.IsCuda) return;
        for (var i = Group.IdxX; i < W.Value * C.Value * N.Value; i += 32 * W.Value) Columns.Set(sums, i, 0f);
    }

    /// <summary>Adds up what the threads of a warp have of a token.</summary>
    /// <param name="sums">The sums of the chunk's tokens.</param>
    /// <param name="token">The token.</param>
    /// <param name="own">The thread's numbers, which are lost.</param>
    /// <param name="counts">Whether there is such a channel.</param>
    public static void Add<W, C, N>(SharedAddress sums, int token, ArrayView<float> own, bool counts)
        where W : struct, IBlock
        where C : struct, ISize
        where N : struct, ISize
    {
        for (var n = 0; n < N.Value; n++) own[n] = Numbers.Where(counts, own[n]);
        var zone = ((Block.Warp * C.Value) + token) * N.Value;
        if (W.IsCuda)
        {
            var sum = OfLanes<N>(own);
            Columns.Set(sums, zone + (Block.Lane & (N.Value - 1)), sum);
        }
        else
        {
            for (var n = 0; n < N.Value; n++) Atomic.Add(ref (sums + ((zone + n) * 4)).At<float>(), own[n]);
        }
    }

    /// <summary>
    /// The sum over the lanes of a warp of one of their N numbers, for which the lowest bits of the lane's place stand. Of each two numbers
    /// a lane keeps one and gives the other to a lane that keeps that; what it is left with it adds to what lanes of the same bits have.
    /// </summary>
    /// <param name="own">The lane's numbers, which are lost.</param>
    public static float OfLanes<N>(ArrayView<float> own)
        where N : struct, ISize
    {
        for (var step = 1; step < N.Value; step += step)
            for (var i = 0; i < N.Value / 2 / step; i++)
            {
                var odd = (Block.Lane & step) != 0;
                float first = own[2 * i], second = own[(2 * i) + 1];
                own[i] = Numbers.Select(odd, second, first) + Warp.ShuffleXor(Numbers.Select(odd, first, second), step);
            }

        for (var step = N.Value; step < 32; step += step) own[0] += Warp.ShuffleXor(own[0], step);
        return own[0];
    }

    /// <summary>Writes the sums of a chunk to rows of a tensor, after a barrier.</summary>
    public static void Write<W, C, N, T>(long to, long stride, int rows, SharedAddress sums)
        where W : struct, IBlock
        where C : struct, ISize
        where N : struct, ISize
        where T : struct, IElement
    {
        for (var i = Group.IdxX; i < rows * N.Value; i += 32 * W.Value)
        {
            var sum = 0f;
            for (var warp = 0; warp < W.Value; warp++)
            {
                var at = (warp * C.Value * N.Value) + i;
                sum += Columns.Get(sums, at);
                if (!W.IsCuda) Columns.Set(sums, at, 0f);
            }

            T.Write(to + (i / N.Value * stride) + (i % N.Value * (long)T.Bytes), sum);
        }
    }
}
