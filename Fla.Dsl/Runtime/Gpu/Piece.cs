using ILGPU;

namespace Fla.Dsl.Runtime.Gpu;

/// <summary>
/// Neighbouring elements of a tensor, which a thread reads and writes 16 bytes at a time where it can: pieces of 8, 4 or 2 elements
/// must lie at a multiple of their size, those of 1 may lie anywhere.
/// </summary>
public static class Piece
{
    /// <summary>Reads one to registers; zeros where there is none.</summary>
    /// <param name="to">The registers.</param>
    /// <param name="at">Which of them is the first.</param>
    /// <param name="address">Where the piece lies in global memory.</param>
    /// <param name="there">Whether there is one.</param>
    public static void Read<W, N, T>(ArrayView<float> to, int at, long address, bool there)
        where W : struct, IBlock
        where N : struct, ISize
        where T : struct, IElement
    {
        if (W.IsCuda && N.Value > 1)
        {
            var words = LocalMemory.Allocate1D<uint>(4);
            for (var word = 0; word < N.Value * T.Bytes / 4; word += 4)
            {
                Asm.ReadWords(words, address + (word * 4), there, N.Value * T.Bytes / 4);
                for (var i = 0; i < Numbers.Lesser(4, N.Value * T.Bytes / 4); i++) Widen<T>(to, at + ((word + i) * 4 / T.Bytes), words[i]);
            }
        }
        else
        {
            for (var i = 0; i < N.Value; i++) to[at + i] = Memory.ReadIf<W, T>(there, address + (i * T.Bytes));
        }
    }

    /// <summary>Writes one from registers, where there is one.</summary>
    /// <param name="from">The registers.</param>
    /// <param name="at">Which of them is the first.</param>
    /// <param name="address">Where the piece lies in global memory.</param>
    /// <param name="there">Whether there is one.</param>
    public static void Write<W, N, T>(ArrayView<float> from, int at, long address, bool there)
        where W : struct, IBlock
        where N : struct, ISize
        where T : struct, IElement
    {
        if (W.IsCuda && N.Value > 1)
        {
            var words = LocalMemory.Allocate1D<uint>(4);
            for (var word = 0; word < N.Value * T.Bytes / 4; word += 4)
            {
                for (var i = 0; i < Numbers.Lesser(4, N.Value * T.Bytes / 4); i++)
                    words[i] = Narrowed<T>(from, at + ((word + i) * 4 / T.Bytes));
                Asm.WriteWords(words, address + (word * 4), there, N.Value * T.Bytes / 4);
            }
        }
        else
        {
            for (var i = 0; i < N.Value; i++) Memory.WriteIf<W, T>(there, address + (i * T.Bytes), from[at + i]);
        }
    }

    private static void Widen<T>(ArrayView<float> to, int at, uint word)
        where T : struct, IElement
    {
        if (T.TensorCoreType == 0) to[at] = Interop.IntAsFloat(word);
        else Asm.Unpack<T>(to, at, word);
    }

    private static uint Narrowed<T>(ArrayView<float> from, int at)
        where T : struct, IElement =>
        T.TensorCoreType == 0 ? Interop.FloatAsInt(from[at]) : Asm.Pair<T>(from[at], from[at + 1]);
}
