using Fla.Dsl.Runtime.Gpu;
using ILGPU;

namespace Fla.Ops.Tests.Gpu;

/// <summary>Features of the rows of a tile, and their gradients, that lie row by row in memory as fp32.</summary>
internal static class FeatureKernels
{
    /// <summary>The features.</summary>
    public static void Features<W, C, N, K, P>(long x, int elements, long to)
        where W : struct, IBlock
        where C : struct, ISize
        where N : struct, ISize
        where K : struct, ISize
        where P : struct, IFeatureMap
    {
        var shared = new SharedAddress(SharedMemory.GetDynamic<byte>(), 0);
        var features = Tile.New<W, C, N>();
        Tile.Fill<W, C, N>(features, 0f);
        Store<W, C, K>(shared, x);
        Group.Barrier();
        Fla.Dsl.Runtime.Gpu.Features.Add<W, C, N, K, P, SingleElement>(features, shared, elements);
        Plain.Write<W, C, N>(to, features);
    }

    /// <summary>The gradient of x.</summary>
    public static void Gradient<W, C, N, K, P>(long x, long gradient, int elements, long to)
        where W : struct, IBlock
        where C : struct, ISize
        where N : struct, ISize
        where K : struct, ISize
        where P : struct, IFeatureMap
    {
        var shared = new SharedAddress(SharedMemory.GetDynamic<byte>(), 0);
        var sharedGradient = shared + Shared<C, K, SingleElement>.Bytes;
        var dx = Tile.New<W, C, K>();
        Tile.Fill<W, C, K>(dx, 0f);
        Store<W, C, K>(shared, x);
        Store<W, C, N>(sharedGradient, gradient);
        Group.Barrier();
        Fla.Dsl.Runtime.Gpu.Features.AddGradient<W, C, N, K, P, SingleElement>(dx, shared, sharedGradient, elements);
        Plain.Write<W, C, K>(to, dx);
    }

    private static void Store<W, M, N>(SharedAddress to, long from)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize
    {
        var tile = Tile.New<W, M, N>();
        Plain.Read<W, M, N>(tile, from);
        Tile.Store<W, M, N, SingleElement>(to, tile);
    }
}
