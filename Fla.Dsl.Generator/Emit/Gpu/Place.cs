using Fla.Dsl.Generator.Lowering;
using Fla.Dsl.Generator.Model;

namespace Fla.Dsl.Generator.Emit.Gpu;

/// <summary>Where a block keeps a value of a chunk.</summary>
internal enum Place
{
    /// <summary>One number, in a register of every thread.</summary>
    Scalar,

    /// <summary>A number for each token, or for each index of a dimension, in shared memory.</summary>
    Line,

    /// <summary>A matrix, in registers spread over the threads.</summary>
    Tile,
}

internal static class Places
{
    /// <summary>Where a value of a shape is; null for shapes that kernels have no place for.</summary>
    public static Place? Of(Shape shape) => shape switch
    {
        { Rows: Dim.One, Columns: Dim.One } => Place.Scalar,
        _ when !IsPlain(shape.Rows) || !IsPlain(shape.Columns) => null,
        { Rows: Dim.One } or { Columns: Dim.One } => Place.Line,
        _ => Place.Tile,
    };

    /// <summary>The dimension along which a line lies.</summary>
    public static string Along(Shape line) => line.Rows == Dim.One ? line.Columns : line.Rows;

    /// <summary>Whether the result of an operation has, at each place, what follows from its operands there.</summary>
    public static bool IsElementwise(TileOp op) => op
        is TileOp.Broadcast or TileOp.Transpose or TileOp.CausalMask or TileOp.AtLastRow
        or TileOp.Negate or TileOp.Exp or TileOp.Log or TileOp.Sqrt or TileOp.Sigmoid or TileOp.Tanh or TileOp.Relu or TileOp.Heaviside
        or TileOp.Softplus or TileOp.Add or TileOp.Subtract or TileOp.Multiply or TileOp.Divide or TileOp.LogAddExp or TileOp.LogShare;

    /// <summary>Whether an operation is a sum of products of tiles in shared memory, which is added to registers.</summary>
    public static bool IsProduct(TileOp op) => op
        is TileOp.MatMul or TileOp.DecayedMix or TileOp.DecayedMixTransposed or TileOp.Features or TileOp.FeaturesGradient;

    /// <summary>Whether the result of an operation comes to shared memory, not to registers.</summary>
    public static bool IsShared(TileOp op) => op
        is TileOp.CumulativeSum or TileOp.LogScan or TileOp.ScanTransposed or TileOp.InverseUnitLower or TileOp.DecayedDot;

    /// <summary>Whether kernels can be written for a program.</summary>
    public static bool Fits(TileProgram program) => program.Instructions.All(tile => Of(tile.Shape) is not null && Knows(tile, program));

    private static bool Knows(Instruction tile, TileProgram program)
    {
        Place? PlaceOf(int operand) => Of(program[tile.Operands[operand]].Shape);
        return tile.Op switch
        {
            TileOp.Input or TileOp.Constant or TileOp.SumRows or TileOp.SumColumns => true,
            TileOp.LastRow or TileOp.CumulativeSum or TileOp.InverseUnitLower => true,
            TileOp.MatMul or TileOp.DecayedDot or TileOp.DecayedMix or TileOp.DecayedMixTransposed =>
                PlaceOf(0) == Place.Tile && PlaceOf(1) == Place.Tile,
            TileOp.Features or TileOp.FeaturesGradient or TileOp.Softmax or TileOp.ScanTransposed => PlaceOf(0) == Place.Tile,
            TileOp.LogScan => PlaceOf(0) == Place.Tile && program[tile.Operands[1]] is { Op: TileOp.Constant, Number: 0 },
            TileOp.Transpose => Of(tile.Shape) != Place.Tile,
            var op => IsElementwise(op),
        };
    }

    private static bool IsPlain(string dimension) => Dim.Factors(dimension).Length == 1 && !dimension.Contains('(');
}
