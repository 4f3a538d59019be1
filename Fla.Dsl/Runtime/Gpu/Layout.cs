using ILGPU;

namespace Fla.Dsl.Runtime.Gpu;

/// <summary>
/// Where the elements of an MxN tile lie in the registers of a block of W warps: each warp has a rectangle, and in it each thread what it
/// has of the accumulators of <c>mma.m16n8</c>, in groups of four: rows g and g + 8, columns 2t and 2t + 1 of a 16x8 square.
/// Two tiles of one shape have one layout, so that elementwise operations stay within a thread.
/// </summary>
public static class Layout<W, M, N>
    where W : struct, IBlock
    where M : struct, ISize
    where N : struct, ISize
{
    /// <summary>Warps above one another.</summary>
    public static int WarpsDown => M.Value % 64 == 0 ? Numbers.Lesser(4, W.Value) : Numbers.Lesser(2, W.Value);

    /// <summary>Warps beside one another.</summary>
    public static int WarpsAcross => W.Value / WarpsDown;

    /// <summary>16x8 squares above one another in a warp's rectangle.</summary>
    public static int SquaresDown => M.Value / 16 / WarpsDown;

    /// <summary>16x8 squares beside one another in a warp's rectangle.</summary>
    public static int SquaresAcross => N.Value / 8 / WarpsAcross;

    /// <summary>Elements of a thread.</summary>
    public static int Count => SquaresDown * SquaresAcross * 4;

    /// <summary>The first row of the warp's rectangle.</summary>
    public static int FirstRow => Block.Warp % WarpsDown * (M.Value / WarpsDown);

    /// <summary>The first column of the warp's rectangle.</summary>
    public static int FirstColumn => Block.Warp / WarpsDown * (N.Value / WarpsAcross);

    /// <summary>The row of the thread's i-th element.</summary>
    public static int Row(int i) => FirstRow + (Block.Lane >> 2) + RowStep(i);

    /// <summary>The column of the thread's i-th element.</summary>
    public static int Column(int i) => FirstColumn + ((Block.Lane & 3) * 2) + ColumnStep(i);

    /// <summary>Different rows among the thread's elements.</summary>
    public static int Rows => SquaresDown * 2;

    /// <summary>Different columns among the thread's elements.</summary>
    public static int Columns => SquaresAcross * 2;

    /// <summary>Which of the thread's rows its i-th element is in.</summary>
    public static int RowOf(int i) => (i / (4 * SquaresAcross) * 2) + ((i & 3) >> 1);

    /// <summary>Which of the thread's columns its i-th element is in.</summary>
    public static int ColumnOf(int i) => (i / 4 % SquaresAcross * 2) + (i & 1);

    /// <summary>An element in the thread's i-th row.</summary>
    public static int InRow(int i) => (i / 2 * 4 * SquaresAcross) + ((i & 1) * 2);

    /// <summary>An element in the thread's i-th column.</summary>
    public static int InColumn(int i) => (i / 2 * 4) + (i & 1);

    /// <summary>From the row of the thread's first element to that of its i-th, the same in all threads.</summary>
    public static int RowStep(int i) => (i / (4 * SquaresAcross) * 16) + (((i & 3) >> 1) * 8);

    /// <summary>From the column of the thread's first element to that of its i-th, the same in all threads.</summary>
    public static int ColumnStep(int i) => (i / 4 % SquaresAcross * 8) + (i & 1);
}

/// <summary>The threads of a block.</summary>
public static class Block
{
    /// <summary>The thread's place in its warp.</summary>
    public static int Lane => Group.IdxX & 31;

    /// <summary>The warp's place in the block.</summary>
    public static int Warp => Group.IdxX >> 5;
}
