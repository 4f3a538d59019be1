using Fla.Dsl.Generator.Model;

namespace Fla.Dsl.Generator.Lowering;

/// <summary>Checks that a program is well formed: what every pass may take for granted, and must leave behind.</summary>
internal static class Verifier
{
    public static TileProgram Verify(TileProgram program)
    {
        for (var id = 0; id < program.Instructions.Count; id++)
        {
            var instruction = program[id];
            Require(instruction.Id == id, id, "its id is not its place");
            Require(instruction.Operands.All(operand => operand >= 0 && operand < id), id, "it uses a value before it is computed");
            Require(instruction.Operands.Count == Arity(instruction.Op), id, $"it has {instruction.Operands.Count} operands");
            var shapes = instruction.Operands.Select(operand => program[operand].Shape).ToList();
            if (Expected(instruction, shapes) is { } expected)
                Require(expected == instruction.Shape, id, $"its shape is {instruction.Shape}, its operands make it {expected}");
        }

        var carried = program.Carried.ToList();
        Require(program.Inputs.All(input => program.IsInput(input.Id)), -1, "an input is not declared");
        Require(program.Instructions.Count(i => i.Op == TileOp.Input) == program.Inputs.Count, -1, "an input instruction is not listed");
        Require(carried.Count == program.Next.Count, -1, $"{carried.Count} values are carried in and {program.Next.Count} out");
        for (var i = 0; i < carried.Count; i++)
            Require(program[carried[i].Id].Shape == program[program.Next[i].Id].Shape, program.Next[i].Id, $"{carried[i].Name} changes its shape");
        return program;

        void Require(bool holds, int id, string fault)
        {
            if (!holds) throw new InvalidOperationException($"{program.Name}, %{id}: {fault}.\n{program}");
        }
    }

    private static int Arity(TileOp op) => op switch
    {
        TileOp.Input or TileOp.Constant => 0,
        TileOp.Add or TileOp.Subtract or TileOp.Multiply or TileOp.Divide or TileOp.MatMul or TileOp.SolveUnitLower
            or TileOp.LogAddExp or TileOp.LogShare or TileOp.Scan or TileOp.ScanTransposed or TileOp.LogScan
            or TileOp.RowOuter or TileOp.RowDotLeft or TileOp.RowDotRight or TileOp.FeaturesGradient => 2,
        TileOp.DecayedSolve => 4,
        TileOp.DecayedDot or TileOp.DecayedMix or TileOp.DecayedMixTransposed => 3,
        _ => 1,
    };

    /// <summary>The shape that the operands make, or null where the instruction chooses it.</summary>
    private static Shape? Expected(Instruction instruction, IReadOnlyList<Shape> operands)
    {
        switch (instruction.Op)
        {
            case TileOp.Input or TileOp.Constant:
                return null;
            case TileOp.Broadcast:
                return TileBuilder.Join(operands[0], instruction.Shape);
            case TileOp.Add or TileOp.Subtract or TileOp.Multiply or TileOp.Divide or TileOp.LogAddExp or TileOp.LogShare:
                return TileBuilder.Join(operands[0], operands[1]);
            case TileOp.MatMul:
                var left = instruction.TransposeLeft ? operands[0].Transposed : operands[0];
                var right = instruction.TransposeRight ? operands[1].Transposed : operands[1];
                return left.Columns == right.Rows ? new Shape(left.Rows, right.Columns) : new Shape($"{left.Columns}!={right.Rows}", "?");
            case TileOp.Transpose:
                return operands[0].Transposed;
            case TileOp.Flatten:
                return new Shape(Dim.One, Dim.Product(operands[0].Rows, operands[0].Columns));
            case TileOp.Unflatten:
                return operands[0] == new Shape(Dim.One, Dim.Product(instruction.Shape.Rows, instruction.Shape.Columns)) ? instruction.Shape : new Shape("a flat matrix", "?");
            case TileOp.RowOuter:
                return new Shape(TileBuilder.Join(operands[0].Rows, operands[1].Rows), Dim.Product(operands[0].Columns, operands[1].Columns));
            case TileOp.RowDotLeft:
                return RowDot(flat: operands[1], vector: operands[0], left: true);
            case TileOp.RowDotRight:
                return RowDot(flat: operands[0], vector: operands[1], left: false);
            case TileOp.SumRows:
                return new Shape(Dim.One, operands[0].Columns);
            case TileOp.LastRow:
                return operands[0].Rows == Dim.Time ? new Shape(Dim.One, operands[0].Columns) : new Shape("a row a token", "?");
            case TileOp.AtLastRow:
                return operands[0].Rows == Dim.One ? new Shape(Dim.Time, operands[0].Columns) : new Shape("one row", "?");
            case TileOp.Scan or TileOp.ScanTransposed or TileOp.LogScan:
                return operands[0] == operands[1] && operands[0].Rows == Dim.Time ? operands[0] : new Shape("x and its factors, a row a token, alike", "?");
            case TileOp.SumColumns:
                return new Shape(operands[0].Rows, Dim.One);
            case TileOp.Features:
                return new Shape(operands[0].Rows, FeatureDimension.Of(instruction.Map.ToString(), operands[0].Columns));
            case TileOp.FeaturesGradient:
                return operands[1] == new Shape(operands[0].Rows, FeatureDimension.Of(instruction.Map.ToString(), operands[0].Columns))
                    ? operands[0]
                    : new Shape("x and the gradient of its features", "?");
            case TileOp.DecayMatrix:
                return operands[0] == new Shape(Dim.Time, Dim.One) ? new Shape(Dim.Time, Dim.Time) : new Shape("a gate of one column", "?");
            case TileOp.DecayedDot:
                return operands[0] == operands[1] && operands[1] == operands[2] ? new Shape(Dim.Time, Dim.Time) : new Shape("x, y, g alike", "?");
            case TileOp.DecayedMix or TileOp.DecayedMixTransposed:
                return operands[0] == new Shape(Dim.Time, Dim.Time) && operands[1] == operands[2] ? operands[1] : new Shape("a square, y and g alike", "?");
            case TileOp.DecayedSolve:
                return operands[0] == new Shape(Dim.Time, Dim.Time) && operands[1] == operands[2] && operands[2] == operands[3]
                    ? operands[3]
                    : new Shape("a square, c, g and r alike", "?");
            case TileOp.SolveUnitLower:
                return operands[0] == new Shape(Dim.Time, Dim.Time) ? operands[1] : new Shape("a square", "?");
            default:
                return operands[0];
        }

        static Shape RowDot(Shape flat, Shape vector, bool left)
        {
            var factors = Dim.Factors(flat.Columns);
            return factors.Length == 2 && vector.Columns == factors[left ? 0 : 1]
                ? new Shape(TileBuilder.Join(flat.Rows, vector.Rows), factors[left ? 1 : 0])
                : new Shape("a flat matrix and a vector", "?");
        }
    }
}
