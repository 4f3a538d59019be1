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

    /// <summary>The size of the zones of <see cref="Softmax{W, M, N}"/>.</summary>
    public static int SoftmaxBytes<W, M, N>()
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize => 2 * ColumnBytes<W, M, N>();

    /// <summary>The size of the zones of <see cref="SumRows{W, M, N}"/>.</summary>
    public static int RowBytes<W, M, N>()
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize => RowZones<W, M, N>() * N.Value * 4;

    /// <summary>Begins to sum over the columns: a number a row, which <see cref="ColumnOf{W, M, N}"/> tells after a barrier.</summary>
    public static void SumColumns<W, M, N>(SharedAddress zones, ArrayView<float> tile)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize => FoldColumns<W, M, N>(zones, tile, largest: false);

    /// <summary>The sum of a row.</summary>
    public static float ColumnOf<W, M, N>(SharedAddress zones, int row)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize => FoldZones<W, M, N>(zones, row, largest: false);

    /// <summary>The softmax over the first columns of each row, in place; 0 beyond. All threads call it: there are barriers in it.</summary>
    public static void Softmax<W, M, N>(SharedAddress zones, ArrayView<float> tile, int columns)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize
    {
        var sums = zones + ColumnBytes<W, M, N>();
        for (var i = 0; i < Layout<W, M, N>.Count; i++)
            tile[i] = Numbers.Select(Layout<W, M, N>.Column(i) < columns, tile[i], float.NegativeInfinity);
        FoldColumns<W, M, N>(zones, tile, largest: true);
        Group.Barrier();
        for (var row = 0; row < 2 * Layout<W, M, N>.SquaresDown; row++)
        {
            var largest = FoldZones<W, M, N>(zones, Layout<W, M, N>.Row(First<W, M, N>(row)), largest: true);
            for (var i = 0; i < 2 * Layout<W, M, N>.SquaresAcross; i++)
            {
                var at = First<W, M, N>(row) + ((i >> 1) * 4) + (i & 1);
                tile[at] = Numbers.Exp<W>(tile[at] - largest);
            }
        }

        FoldColumns<W, M, N>(sums, tile, largest: false);
        Group.Barrier();
        for (var row = 0; row < 2 * Layout<W, M, N>.SquaresDown; row++)
        {
            var share = 1f / ColumnOf<W, M, N>(sums, Layout<W, M, N>.Row(First<W, M, N>(row)));
            for (var i = 0; i < 2 * Layout<W, M, N>.SquaresAcross; i++) tile[First<W, M, N>(row) + ((i >> 1) * 4) + (i & 1)] *= share;
        }
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
            var first = ((column >> 1) * 4) + (column & 1);
            var sum = 0f;
            for (var down = 0; down < Layout<W, M, N>.SquaresDown; down++)
            {
                var i = first + (down * Layout<W, M, N>.SquaresAcross * 4);
                sum += tile[i] + tile[i + 2];
            }

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

    /// <summary>The size of the zones of <see cref="Total{W, M, N}"/>.</summary>
    public static int TotalBytes<W>()
        where W : struct, IBlock => TotalZones<W>() * 4;

    /// <summary>Begins to sum all of a tile: <see cref="TotalOf{W}"/> tells what it comes to after a barrier.</summary>
    public static void Total<W, M, N>(SharedAddress zones, ArrayView<float> tile)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize
    {
        // Sums that need not wait for one another.
        var parts = LocalMemory.Allocate1D<float>(4);
        for (var i = 0; i < 4; i++) parts[i] = tile[i];
        for (var i = 4; i < Layout<W, M, N>.Count; i++) parts[i & 3] += tile[i];
        var sum = parts[0] + parts[1] + (parts[2] + parts[3]);
        if (W.IsCuda)
            for (var step = 1; step < 32; step += step) sum += Warp.ShuffleXor(sum, step);
        Columns.Set(zones, W.IsCuda ? Block.Warp : Group.IdxX, sum);
    }

    /// <summary>The sum of all of a tile.</summary>
    public static float TotalOf<W>(SharedAddress zones)
        where W : struct, IBlock
    {
        var sum = 0f;
        for (var zone = 0; zone < TotalZones<W>(); zone++) sum += Columns.Get(zones, zone);
        return sum;
    }

    /// <summary>The sum or the largest of what each warp has of a row, to its zone.</summary>
    private static void FoldColumns<W, M, N>(SharedAddress zones, ArrayView<float> tile, bool largest)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize
    {
        var zone = Block.Warp / Layout<W, M, N>.WarpsDown;
        if (!W.IsCuda) zone = (zone * 4) + (Block.Lane & 3);
        for (var row = 0; row < 2 * Layout<W, M, N>.SquaresDown; row++)
        {
            var first = First<W, M, N>(row);
            var fold = Fold(tile[first], tile[first + 1], largest);
            for (var across = 1; across < Layout<W, M, N>.SquaresAcross; across++)
                fold = Fold(fold, Fold(tile[first + (across * 4)], tile[first + (across * 4) + 1], largest), largest);
            if (W.IsCuda)
            {
                fold = Fold(fold, Warp.ShuffleXor(fold, 1), largest);
                fold = Fold(fold, Warp.ShuffleXor(fold, 2), largest);
            }

            // Lanes of one row write the same.
            Columns.Set(zones, (zone * M.Value) + Layout<W, M, N>.Row(first), fold);
        }
    }

    private static float FoldZones<W, M, N>(SharedAddress zones, int row, bool largest)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize
    {
        var fold = Columns.Get(zones, row);
        for (var zone = 1; zone < ColumnZones<W, M, N>(); zone++) fold = Fold(fold, Columns.Get(zones, (zone * M.Value) + row), largest);
        return fold;
    }

    /// <summary>The larger of two numbers, or their sum.</summary>
    internal static float Fold(float a, float b, bool largest) => largest ? Numbers.Larger(a, b) : a + b;

    /// <summary>The first element of the thread's n-th row.</summary>
    private static int First<W, M, N>(int row)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize => ((row >> 1) * Layout<W, M, N>.SquaresAcross * 4) + ((row & 1) * 2);

    private static int ColumnZones<W, M, N>()
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize => Layout<W, M, N>.WarpsAcross * (W.IsCuda ? 1 : 4);

    private static int TotalZones<W>()
        where W : struct, IBlock => W.Value * (W.IsCuda ? 1 : 32);

    private static int RowZones<W, M, N>()
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize => Layout<W, M, N>.WarpsDown * (W.IsCuda ? 1 : 8);
}
