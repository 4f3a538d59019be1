using ILGPU;

namespace Fla.Dsl.Runtime.Gpu;

/// <summary>
/// The L threads of a block that work on one row: 8, 16 or 32 of a warp, or some whole warps. All threads of the block must come to what
/// is done together, also those whose row is not there.
/// </summary>
public static class Team<W, L>
    where W : struct, IBlock
    where L : struct, ISize
{
    /// <summary>How many of them a block has.</summary>
    public static int PerBlock => 32 * W.Value / L.Value;

    /// <summary>The team's place among all of the grid.</summary>
    public static int Index => (Grid.IdxX * PerBlock) + (Group.IdxX / L.Value);

    /// <summary>How many the grid has.</summary>
    public static int Count => Grid.DimX * PerBlock;

    /// <summary>The thread's place in its team.</summary>
    public static int Lane => Group.IdxX % L.Value;

    /// <summary>The sum of the team's numbers, for each of its threads.</summary>
    /// <param name="own">The thread's number.</param>
    /// <param name="scratch">Shared memory of <see cref="ScratchBytes"/>.</param>
    public static float Sum(float own, SharedAddress scratch) => Together(own, scratch, largest: false);

    /// <summary>The largest of the team's numbers, for each of its threads.</summary>
    /// <param name="own">The thread's number.</param>
    /// <param name="scratch">Shared memory of <see cref="ScratchBytes"/>.</param>
    public static float Largest(float own, SharedAddress scratch) => Together(own, scratch, largest: true);

    /// <summary>The shared memory that a block needs, in bytes.</summary>
    public static int ScratchBytes => 4 * W.Value;

    private static float Together(float own, SharedAddress scratch, bool largest)
    {
        for (var step = 1; step < (L.Value < 32 ? L.Value : 32); step += step)
            own = Reductions.Fold(own, Warp.ShuffleXor(own, step), largest);
        if (L.Value <= 32) return own;

        if (Block.Lane == 0) Columns.Set(scratch, Block.Warp, own);
        Group.Barrier();
        var first = Block.Warp / (L.Value / 32) * (L.Value / 32);
        own = Columns.Get(scratch, first);
        for (var warp = 1; warp < L.Value / 32; warp++) own = Reductions.Fold(own, Columns.Get(scratch, first + warp), largest);
        Group.Barrier();
        return own;
    }
}

/// <summary>
/// How a row lies in the registers of its team: N elements a thread, in pieces of P neighbours, a thread's piece beside the next one's.
/// </summary>
public static class Row<W, L, N, P>
    where W : struct, IBlock
    where L : struct, ISize
    where N : struct, ISize
    where P : struct, ISize
{
    /// <summary>Registers of a row.</summary>
    public static ArrayView<float> New() => LocalMemory.Allocate1D<float>(N.Value);

    /// <summary>The column of the thread's i-th element.</summary>
    public static int Column(int i) => (((i / P.Value * L.Value) + Team<W, L>.Lane) * P.Value) + (i % P.Value);

    /// <summary>Every element the same.</summary>
    public static void Fill(ArrayView<float> row, float value)
    {
        for (var i = 0; i < N.Value; i++) row[i] = value;
    }

    /// <summary>Reads a row from global memory; zeros past its end.</summary>
    public static void Read<T>(ArrayView<float> row, long address, int columns)
        where T : struct, IElement
    {
        for (var i = 0; i < N.Value; i += P.Value)
            Piece.Read<W, P, T>(row, i, address + (Column(i) * (long)T.Bytes), Column(i) < columns);
    }

    /// <summary>Writes a row to global memory.</summary>
    public static void Write<T>(ArrayView<float> row, long address, int columns)
        where T : struct, IElement
    {
        for (var i = 0; i < N.Value; i += P.Value)
            Piece.Write<W, P, T>(row, i, address + (Column(i) * (long)T.Bytes), Column(i) < columns);
    }
}
