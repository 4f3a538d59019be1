using Fla.Dsl.Runtime.Gpu;
using ILGPU;

namespace Fla.Ops.Tests.Gpu;

/// <summary>Products of two tiles that lie row by row in memory as fp32, added to ones.</summary>
internal static class ProductKernels
{
    public static void AB<W, M, N, K, T>(long a, long b, long to)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize
        where K : struct, ISize
        where T : struct, IElement
    {
        var left = new SharedAddress(SharedMemory.GetDynamic<byte>(), 0);
        var right = left + Shared<M, K, T>.Bytes;
        Place<W, M, K, T>(left, a);
        Place<W, K, N, T>(right, b);
        var d = Ones<W, M, N>();
        Products.AB<W, M, N, K, T>(d, left, right);
        Plain.Write<W, M, N>(to, d);
    }

    public static void ABt<W, M, N, K, T>(long a, long b, long to)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize
        where K : struct, ISize
        where T : struct, IElement
    {
        var left = new SharedAddress(SharedMemory.GetDynamic<byte>(), 0);
        var right = left + Shared<M, K, T>.Bytes;
        Place<W, M, K, T>(left, a);
        Place<W, N, K, T>(right, b);
        var d = Ones<W, M, N>();
        Products.ABt<W, M, N, K, T>(d, left, right);
        Plain.Write<W, M, N>(to, d);
    }

    public static void AtB<W, M, N, K, T>(long a, long b, long to)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize
        where K : struct, ISize
        where T : struct, IElement
    {
        var left = new SharedAddress(SharedMemory.GetDynamic<byte>(), 0);
        var right = left + Shared<K, M, T>.Bytes;
        Place<W, K, M, T>(left, a);
        Place<W, K, N, T>(right, b);
        var d = Ones<W, M, N>();
        Products.AtB<W, M, N, K, T>(d, left, right);
        Plain.Write<W, M, N>(to, d);
    }

    public static void AtBt<W, M, N, K, T>(long a, long b, long to)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize
        where K : struct, ISize
        where T : struct, IElement
    {
        var left = new SharedAddress(SharedMemory.GetDynamic<byte>(), 0);
        var right = left + Shared<K, M, T>.Bytes;
        Place<W, K, M, T>(left, a);
        Place<W, N, K, T>(right, b);
        var d = Ones<W, M, N>();
        Products.AtBt<W, M, N, K, T>(d, left, right);
        Plain.Write<W, M, N>(to, d);
    }

    /// <summary><c>a^T diag(s) b</c>.</summary>
    public static void AtBScaled<W, M, N, K, T>(long a, long b, long scales, long to)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize
        where K : struct, ISize
        where T : struct, IElement
    {
        var left = new SharedAddress(SharedMemory.GetDynamic<byte>(), 0);
        var right = left + Shared<K, M, T>.Bytes;
        var column = right + Shared<K, N, T>.Bytes;
        Place<W, K, M, T>(left, a);
        Place<W, K, N, T>(right, b);
        if (Group.IdxX < K.Value) SingleElement.WriteShared(column + (Group.IdxX * 4), SingleElement.Read(scales + (Group.IdxX * 4L)));
        var d = Ones<W, M, N>();
        Products.AtB<W, M, N, K, T>(d, left, right, column);
        Plain.Write<W, M, N>(to, d);
    }

    private static void Place<W, M, N, T>(SharedAddress at, long from)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize
        where T : struct, IElement
    {
        var tile = Tile.New<W, M, N>();
        Plain.Read<W, M, N>(tile, from);
        Tile.Store<W, M, N, T>(at, tile);
    }

    /// <summary>What the product is added to, when all threads have placed their parts of the operands.</summary>
    private static ArrayView<float> Ones<W, M, N>()
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize
    {
        Group.Barrier();
        var ones = Tile.New<W, M, N>();
        Tile.Fill<W, M, N>(ones, 1f);
        return ones;
    }
}
