using ILGPU;
using ILGPU.Runtime.Cuda;

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
            Ref<float> x0 = 0f, x1 = 0f, x2 = 0f, x3 = 0f;
            Ref<uint> address = Asm.Of(from);
            CudaAsm.EmitRef("ld.shared.v4.f32 {%0,%1,%2,%3}, [%4];", ref x0, ref x1, ref x2, ref x3, ref address);
            to[at] = x0.Value;
            to[at + 1] = x1.Value;
            to[at + 2] = x2.Value;
            to[at + 3] = x3.Value;
        }
        else
        {
            for (var i = 0; i < 4; i++) to[at + i] = SingleElement.ReadShared(from + (i * 4));
        }
    }
}
