using Fla.Dsl.Generator.Lowering;

namespace Fla.Dsl.Generator.Emit.Gpu;

/// <summary>
/// In each row <c>x . (a b) = a . (x b^T)</c>: a product that is there only for a sum is not computed if its counterpart is there anyway, as
/// in the gradient of a decay, where one side is the output's and the other the query's.
/// </summary>
internal static class SumExchange
{
    public static TileProgram Apply(TileProgram program)
    {
        var builder = new TileBuilder();
        var map = builder.InputsOf(program);
        foreach (var tile in program.Instructions.Where(tile => tile.Op != TileOp.Input))
        {
            // The counterpart may come later in the program; it is written twice then, and shared.
            void Copy(int id)
            {
                if (map.ContainsKey(id)) return;
                foreach (var operand in program[id].Operands) Copy(operand);
                map.Add(id, builder.Copy(program[id], map));
            }

            if (tile.Op == TileOp.SumColumns && Counterpart(program, tile.Operands[0]) is var (product, of, others))
            {
                Copy(product);
                Copy(of);
                foreach (var other in others) Copy(other);
                var exchanged = builder.SumColumns(builder.Multiply(map[of], map[product]));
                foreach (var other in others) exchanged = builder.Multiply(exchanged, map[other]);
                map[tile.Id] = builder.Name(exchanged, tile.Name);
            }

            Copy(tile.Id);
        }

        return Simplification.Simplify(builder.Build(program, map));
    }

    /// <summary>For <c>x * (a b) * others</c>: the product <c>x b^T</c> that is there, a, and the others, one number a row each.</summary>
    private static (int Product, int Of, List<int> Others)? Counterpart(TileProgram program, int summed)
    {
        var factors = Factors(program, summed).ToList();
        var tiles = factors.Where(factor => program[factor].Shape == program[summed].Shape).ToList();
        if (tiles.Count != 2 || factors.Except(tiles).Any(factor => program[factor].Shape.Columns != Model.Dim.One)) return null;
        foreach (var (product, x) in new[] { (tiles[0], tiles[1]), (tiles[1], tiles[0]) })
        {
            if (program[product] is not { Op: TileOp.MatMul, TransposeLeft: false } matmul || program.Instructions.Count(user => user.Operands.Contains(product)) != 1) continue;
            var counterpart = program.Instructions.FirstOrDefault(other => other is { Op: TileOp.MatMul, TransposeLeft: false } && other.TransposeRight != matmul.TransposeRight
                && other.Operands[0] == x && other.Operands[1] == matmul.Operands[1]);
            if (counterpart is not null) return (counterpart.Id, matmul.Operands[0], factors.Except(tiles).ToList());
        }

        return null;
    }

    private static IEnumerable<int> Factors(TileProgram program, int id) =>
        program[id].Op == TileOp.Multiply ? program[id].Operands.SelectMany(operand => Factors(program, operand)) : [id];
}
