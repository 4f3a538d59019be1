using ILGPU;

namespace Fla.Dsl.Runtime.Gpu;

/// <summary>
/// What a thread does that walks the tokens of one channel, a column of the tokens' tensors: it meets others in what all of them read, and
/// in sums over the channels.
/// </summary>
public static class Channel
{
    /// <summary>Channels of a block, each of which is a thread's.</summary>
    public const int Count = 64;

    /// <summary>
    /// Tokens that a thread begins with at once, where it has one number of each value: what does not follow from the state need not wait
    /// for it.
    /// </summary>
    public const int Tokens = 8;

    /// <summary>The shared memory for a state of each token of a chunk, of which N numbers are a channel's.</summary>
    public static int HistoryBytes<C, D, N>()
        where C : struct, ISize
        where D : struct, ISize
        where N : struct, ISize => C.Value * N.Value * D.Value * 4;

    /// <summary>A number of the thread's channel in it.</summary>
    public static SharedAddress History<D, N>(SharedAddress history, int token, int n)
        where D : struct, ISize
        where N : struct, ISize => history + (((((token * N.Value) + n) * D.Value) + Group.IdxX) * 4);

    /// <summary>An element of a state of a sequence, or of a chunk, and a head; 0 where there is no tensor or it is not wanted.</summary>
    public static float ReadState<W, T>(GpuTensor state, long index, int head, int heads, int elements, int element, bool wanted)
        where W : struct, IBlock
        where T : struct, IElement =>
        Memory.ReadIf<W, T>(wanted & state.Address != 0, Place<T>(state, index, head, heads, elements, element));

    /// <summary>Writes an element of a state, if there is a tensor and it is wanted.</summary>
    public static void WriteState<W, T>(
        GpuTensor state, long index, int head, int heads, int elements, int element, bool wanted, float value)
        where W : struct, IBlock
        where T : struct, IElement =>
        Memory.WriteIf<W, T>(wanted & state.Address != 0, Place<T>(state, index, head, heads, elements, element), value);

    private static long Place<T>(GpuTensor state, long index, int head, int heads, int elements, int element)
        where T : struct, IElement => state.Address + (((((index * heads) + head) * elements) + element) * T.Bytes);
}
