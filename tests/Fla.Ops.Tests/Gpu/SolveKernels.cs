using Fla.Dsl.Runtime.Gpu;
using ILGPU;

namespace Fla.Ops.Tests.Gpu;

/// <summary>Triangular systems of a chunk.</summary>
internal static class SolveKernels
{
    /// <summary>The inverse of I - l, from fp32 to fp32.</summary>
    public static void Inverse<W, C, T>(long l, long to)
        where W : struct, IBlock
        where C : struct, ISize
        where T : struct, IElement
    {
        var inverse = new SharedAddress(SharedMemory.GetDynamic<byte>(), 0);
        var work = inverse + Shared<C, C, T>.Bytes;
        var tile = Tile.New<W, C, C>();
        Plain.Read<W, C, C>(tile, l);
        Solves.Inverse<W, C, T>(inverse, work, tile);
        Group.Barrier();
        Tile.Load<W, C, C, T>(tile, inverse);
        Plain.Write<W, C, C>(to, tile);
    }
}
