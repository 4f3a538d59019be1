using ILGPU;

namespace Fla.Dsl.Runtime.Gpu;

/// <summary>
/// Sums over the rows or the columns of a tile in registers. Each warp writes what its rectangle adds up to into zones of shared memory,
/// and after a barrier whoever wants a total adds up its zones. Without a GPU each lane has a zone of its own, as shuffles are slow there.
/// </summary>
public static class Reductions
{
    /// <summary>The size of the zones of <see cref="SumColumns{W, M, N}"/>.</summary>
    public static int ColumnBytes<W, M, N>()
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize => ColumnZones<W, M, N>() * M.Value * 4;

    /// <summary>The size of the zones of <see cref="SumRows{W, M, N}"/>.</summary>
    public static int RowBytes<W, M, N>()
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize => RowZones<W, M, N>() * N.Value * 4;

    /// <summary>Begins to sum over the columns: a number for each row, which <see cref="ColumnOf{W, M, N}"/> tells after a barrier.</summary>
    public static void SumColumns<W, M, N>(SharedAddress zones, ArrayView<float> tile)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize
    {
        var zone = Block.Warp / Layout<W, M, N>.WarpsDown;
        if (!W.IsCuda) zone = (zone * 4) + (Block.Lane & 3);
        for (var row = 0; row < 2 * Layout<W, M, N>.SquaresDown; row++)
        {
            var first = (row / 2 * Layout<W, M, N>.SquaresAcross * 4) + (row % 2 * 2);
            var sum = 0f;
            for (var across = 0; across < Layout<W, M, N>.SquaresAcross; across++) sum += tile[first + (across * 4)] + tile[first + (across * 4) + 1];
            if (W.IsCuda)
            {
                sum += Warp.ShuffleXor(sum, 1);
                sum += Warp.ShuffleXor(sum, 2);
            }

            // Lanes of one row write the same.
            Columns.Set(zones, (zone * M.Value) + Layout<W, M, N>.Row(first), sum);
        }
    }

    /// <summary>The sum of a row.</summary>
    public static float ColumnOf<W, M, N>(SharedAddress zones, int row)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize
    {
        var sum = 0f;
        for (var zone = 0; zone < ColumnZones<W, M, N>(); zone++) sum += Columns.Get(zones, (zone * M.Value) + row);
        return sum;
    }

    /// <summary>Begins to sum over the rows: a number for each column, which <see cref="RowOf{W, M, N}"/> tells after a barrier.</summary>
    public static void SumRows<W, M, N>(SharedAddress zones, ArrayView<float> tile)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize
    {
        var zone = Block.Warp % Layout<W, M, N>.WarpsDown;
        if (!W.IsCuda) zone = (zone * 8) + (Block.Lane >> 2);
        for (var column = 0; column < 2 * Layout<W, M, N>.SquaresAcross; column++)
        {
            var first = (column / 2 * 4) + (column % 2);
            var sum = 0f;
            for (var down = 0; down < Layout<W, M, N>.SquaresDown; down++)
                sum += tile[first + (down * Layout<W, M, N>.SquaresAcross * 4)] + tile[first + (down * Layout<W, M, N>.SquaresAcross * 4) + 2];
            if (W.IsCuda)
            {
                sum += Warp.ShuffleXor(sum, 4);
                sum += Warp.ShuffleXor(sum, 8);
                sum += Warp.ShuffleXor(sum, 16);
            }

            // Lanes of one column write the same.
            Columns.Set(zones, (zone * N.Value) + Layout<W, M, N>.Column(first), sum);
        }
    }

    /// <summary>The sum of a column.</summary>
    public static float RowOf<W, M, N>(SharedAddress zones, int column)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize
    {
        var sum = 0f;
        for (var zone = 0; zone < RowZones<W, M, N>(); zone++) sum += Columns.Get(zones, (zone * N.Value) + column);
        return sum;
    }

    private static int ColumnZones<W, M, N>()
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize => Layout<W, M, N>.WarpsAcross * (W.IsCuda ? 1 : 4);

    private static int RowZones<W, M, N>()
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize => Layout<W, M, N>.WarpsDown * (W.IsCuda ? 1 : 8);
}
