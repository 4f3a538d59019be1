using Fla.Dsl.Runtime;
using Fla.Dsl.Runtime.Gpu;
using ILGPU;

namespace Fla.Ops.Tests.Gpu;

/// <summary>Scans down the tokens of tiles that lie in memory as fp32.</summary>
internal static class ScanKernels
{
    /// <summary>One of the scans: 0 to 2 transposed at a point, 3 to 5 logarithmic. What comes out takes the place of what goes in.</summary>
    public static void Scan<W, C, N>(int scan, long x, long a, long to)
        where W : struct, IBlock
        where C : struct, ISize
        where N : struct, ISize
    {
        var first = new SharedAddress(SharedMemory.GetDynamic<byte>(), 0);
        var second = first + Shared<C, N, SingleElement>.Bytes;
        var tile = Tile.New<W, C, N>();
        Plain.Read<W, C, N>(tile, x);
        Tile.Store<W, C, N, SingleElement>(first, tile);
        Plain.Read<W, C, N>(tile, a);
        Tile.Store<W, C, N, SingleElement>(second, tile);
        Group.Barrier();
        var point = (ReadPoint)(scan % 3);
        if (scan < 3) TokenScans.LinearTransposed<C, N>(first, first, second, point);
        else TokenScans.Logarithmic<W, C, N>(first, first, point);
        Group.Barrier();
        Tile.Load<W, C, N, SingleElement>(tile, first);
        Plain.Write<W, C, N>(to, tile);
    }

    /// <summary>For each thread the share of e^x in e^x + e^y.</summary>
    public static void Shares<W>(long x, long y, long to)
        where W : struct, IBlock
    {
        var at = Group.IdxX * 4L;
        SingleElement.Write(to + at, Numbers.LogShare<W>(SingleElement.Read(x + at), SingleElement.Read(y + at)));
    }

    /// <summary>The softmax over each row's first columns.</summary>
    public static void Softmax<W, M, N>(long from, int columns, long to)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize
    {
        var zones = new SharedAddress(SharedMemory.GetDynamic<byte>(), 0);
        var tile = Tile.New<W, M, N>();
        Plain.Read<W, M, N>(tile, from);
        Reductions.Softmax<W, M, N>(zones, tile, columns);
        Plain.Write<W, M, N>(to, tile);
    }
}
