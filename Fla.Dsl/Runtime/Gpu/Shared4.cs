using ILGPU;

namespace Fla.Dsl.Runtime.Gpu;

/// <summary>Four fp32 at once in shared memory, from an address that is a multiple of 16.</summary>
internal static class Shared4
{
    /// <summary>Reads them to four elements of a local array.</summary>
    public static void Read<W>(ArrayView<float> to, int at, SharedAddress from)
        where W : struct, IBlock
    {
        if (W.IsCuda)
        {
            Asm.LoadFour(to, at, Asm.Of(from));
        }
        else
        {
            for (var i = 0; i < 4; i++) to[at + i] = SingleElement.ReadShared(from + (i * 4));
        }
    }
}
