using Fla.Dsl.Runtime.Gpu;
using ILGPU;

namespace Fla.Ops.Tests.Gpu;

/// <summary>Sums over channels.</summary>
internal static class ChannelKernels
{
    /// <summary>Of N numbers for each thread, what its lane has of the warp's sums.</summary>
    public static void Lanes<W, N>(long from, long to)
        where W : struct, IBlock
        where N : struct, ISize
    {
        var own = LocalMemory.Allocate1D<float>(N.Value);
        for (var n = 0; n < N.Value; n++) own[n] = SingleElement.Read(from + (((Group.IdxX * N.Value) + n) * 4L));
        var sum = ChannelSums.OfLanes<N>(own);
        SingleElement.Write(to + (Group.IdxX * 4L), sum);
    }
}
