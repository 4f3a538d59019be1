using Fla.Dsl.Generator.Lowering;
using Fla.Dsl.Generator.Model;

namespace Fla.Dsl.Generator.Emit.Gpu;

/// <summary>Where a block keeps a value of a chunk.</summary>
internal enum Place
{
    /// <summary>One number, in a register of every thread.</summary>
    Scalar,

    /// <summary>A number for each token, in shared memory.</summary>
    Column,

    /// <summary>A matrix, in registers spread over the threads.</summary>
    Tile,
}

internal static class Places
{
    /// <summary>Where a value of a shape is; null for shapes that kernels have no place for.</summary>
    public static Place? Of(Shape shape) => shape switch
    {
        { Rows: Dim.One, Columns: Dim.One } => Place.Scalar,
        { Rows: Dim.Time, Columns: Dim.One } or { Rows: Dim.One, Columns: Dim.Time } => Place.Column,
        { Rows: Dim.One } or { Columns: Dim.One } => null,
        _ => Dim.Factors(shape.Columns).Length == 1 && !shape.Columns.Contains('(') ? Place.Tile : null,
    };

    /// <summary>Whether kernels can be written for a program.</summary>
    public static bool Fits(TileProgram program) => program.Instructions.All(tile => Of(tile.Shape) is not null && Knows(tile, program));

    private static bool Knows(Instruction tile, TileProgram program) => tile.Op switch
    {
        TileOp.Input or TileOp.Constant or TileOp.Broadcast or TileOp.Negate or TileOp.Exp or TileOp.Log or TileOp.Sqrt or TileOp.Sigmoid or TileOp.Tanh
            or TileOp.Relu or TileOp.Heaviside or TileOp.Softplus or TileOp.Add or TileOp.Subtract or TileOp.Multiply or TileOp.Divide
            or TileOp.CausalMask or TileOp.DecayMatrix => true,
        TileOp.MatMul => tile.Operands.All(operand => Of(program[operand].Shape) == Place.Tile),
        TileOp.Transpose or TileOp.CumulativeSum => Of(tile.Shape) != Place.Tile,
        TileOp.SumRows => Of(program[tile.Operands[0]].Shape) == Place.Column
            && program.Instructions.Any(sums => sums is { Op: TileOp.CumulativeSum, Reverse: false, Exclusive: false } && sums.Operands[0] == tile.Operands[0]),
        _ => false,
    };
}
