using Fla.Dsl.Runtime.Gpu;
using ILGPU;

namespace Fla.Ops.Tests.Gpu;

/// <summary>Sums over a tile that lies row by row in memory as fp32.</summary>
internal static class ReductionKernels
{
    /// <summary>A number for each row.</summary>
    public static void Columns<W, M, N>(long from, long to)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize
    {
        var zones = new SharedAddress(SharedMemory.GetDynamic<byte>(), 0);
        var tile = Tile.New<W, M, N>();
        Plain.Read<W, M, N>(tile, from);
        Reductions.SumColumns<W, M, N>(zones, tile);
        Group.Barrier();
        if (Group.IdxX < M.Value) SingleElement.Write(to + (Group.IdxX * 4L), Reductions.ColumnOf<W, M, N>(zones, Group.IdxX));
    }

    /// <summary>One number, which every thread tells.</summary>
    public static void Total<W, M, N>(long from, long to)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize
    {
        var zones = new SharedAddress(SharedMemory.GetDynamic<byte>(), 0);
        var tile = Tile.New<W, M, N>();
        Plain.Read<W, M, N>(tile, from);
        Reductions.Total<W, M, N>(zones, tile);
        Group.Barrier();
        SingleElement.Write(to + (Group.IdxX * 4L), Reductions.TotalOf<W>(zones));
    }

    /// <summary>A number for each column, through a row in shared memory to which a vector in memory is added.</summary>
    public static void RowsPlus<W, M, N>(long from, long vector, int columns, long to)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize
    {
        var zones = new SharedAddress(SharedMemory.GetDynamic<byte>(), 0);
        var row = zones + Reductions.RowBytes<W, M, N>();
        var tile = Tile.New<W, M, N>();
        Plain.Read<W, M, N>(tile, from);
        Reductions.SumRows<W, M, N>(zones, tile);
        Rows.Read<N, SingleElement>(row, vector, columns);
        Group.Barrier();
        if (!Rows.IsMine<N>()) return;
        var sum = Reductions.RowOf<W, M, N>(zones, Rows.Column) + Rows.Get(row, Rows.Column);
        SingleElement.Write(to + (Rows.Column * 4L), sum);
    }
}
