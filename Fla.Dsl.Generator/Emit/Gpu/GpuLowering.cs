using Fla.Dsl.Generator.Analysis;
using Fla.Dsl.Generator.Lowering;
using Fla.Dsl.Generator.Model;

namespace Fla.Dsl.Generator.Emit.Gpu;

/// <summary>
/// Writes a program as kernels do best: what they have no operation of their own for in simpler ones, and factors of a product's operands
/// after the product, where they cost nothing and the operand is what lies in shared memory already.
/// </summary>
internal sealed class GpuLowering
{
    private readonly TileBuilder builder = new();
    private readonly Dictionary<int, int> map;

    private GpuLowering(TileProgram program) =>
        map = program.Inputs.ToDictionary(input => input.Id, input => builder.Input(input.Name, input.Kind, program[input.Id].Shape));

    public static TileProgram Lower(TileProgram program)
    {
        var lowering = new GpuLowering(program);
        foreach (var tile in program.Instructions.Where(tile => tile.Op != TileOp.Input)) lowering.map.Add(tile.Id, lowering.Lowered(tile));
        ProgramOutput Mapped(ProgramOutput result) => result with { Id = lowering.map[result.Id] };
        return SumExchange.Apply(Simplification.Simplify(lowering.builder.Build(program.Name, program.Outputs.Select(Mapped), program.Next.Select(Mapped))));
    }

    private int Lowered(Instruction tile) => tile.Op switch
    {
        TileOp.DecayMatrix => Decays(map[tile.Operands[0]], tile),
        TileOp.SumRows when tile.Shape == Shape.Scalar && builder[map[tile.Operands[0]]].Shape.Rows == Dim.Time => builder.LastRow(builder.CumulativeSum(map[tile.Operands[0]])),
        TileOp.MatMul => builder.Name(Product(map[tile.Operands[0]], map[tile.Operands[1]], tile.TransposeLeft, tile.TransposeRight), tile.Name),
        _ => builder.Copy(tile, id => map[id]),
    };

    /// <summary><c>exp(G_i - G_j)</c> of the sums G up to a token, where j counts for i.</summary>
    private int Decays(int gate, Instruction matrix)
    {
        var upTo = builder.CumulativeSum(gate);
        var later = matrix.Point == ReadPoint.BeforeDecay ? builder.CumulativeSum(gate, exclusive: true) : upTo;
        return builder.Name(builder.CausalMask(builder.Exp(builder.Subtract(later, builder.Transpose(upTo))), matrix.Point), matrix.Name);
    }

    /// <summary>
    /// A product of what lies in shared memory as it came: <c>(diag(r) x) (y diag(c)) = diag(r) (x y) diag(c)</c>. Factors along the
    /// dimension that is summed over stay, in one line; a number goes to an operand that is computed anyway, or to the result.
    /// </summary>
    private int Product(int left, int right, bool transposeLeft, bool transposeRight)
    {
        // Whether what is summed over lies along the rows.
        var (inRows, inRowsToo) = (transposeLeft, !transposeRight);
        var (a, b) = (FactorsOf(left, inRows), FactorsOf(right, inRowsToo));
        var number = Times(a.Number, b.Number);
        var line = Times(inRows == inRowsToo ? a.Inner : Turned(a.Inner), b.Inner);
        if (line is not null)
        {
            (b.Tile, number) = (builder.Multiply(b.Tile, number is { } n ? builder.Multiply(line.Value, n) : line.Value), null);
        }
        else if (number is { } alone && (IsComputed(a.Tile) || IsComputed(b.Tile)))
        {
            if (IsComputed(a.Tile)) a.Tile = builder.Multiply(a.Tile, alone);
            else b.Tile = builder.Multiply(b.Tile, alone);
            number = null;
        }

        var product = builder.MatMul(a.Tile, b.Tile, transposeLeft, transposeRight);
        foreach (var factor in new[] { inRows ? Turned(a.Outer) : a.Outer, inRowsToo ? b.Outer : Turned(b.Outer), number })
            if (factor is not null) product = builder.Multiply(product, factor.Value);
        return product;
    }

    private int? Times(int? left, int? right) => left is null ? right : right is null ? left : builder.Multiply(left.Value, right.Value);

    private int? Turned(int? line) => line is { } id ? builder.Transpose(id) : null;

    private bool IsComputed(int id) => builder[id].Op != TileOp.Input;

    /// <summary>An operand as what came in and its factors; one that is computed as it is.</summary>
    private (int Tile, int? Outer, int? Inner, int? Number) FactorsOf(int id, bool inRows)
    {
        (int Tile, int? Along, int? Across, int? Number) found = (id, null, null, null);
        while (builder[found.Tile] is var tile && tile.Op is TileOp.Negate or TileOp.Multiply)
        {
            if (tile.Op == TileOp.Negate)
            {
                (found.Tile, found.Number) = (tile.Operands[0], Times(found.Number, builder.Constant(-1)));
                continue;
            }

            if (tile.Operands.All(operand => builder[operand].Shape == tile.Shape)) break;
            var factor = tile.Operands.First(operand => builder[operand].Shape != tile.Shape);
            found.Tile = tile.Operands[factor == tile.Operands[0] ? 1 : 0];
            var shape = builder[factor].Shape;
            if (shape == Shape.Scalar) found.Number = Times(found.Number, factor);
            else if (shape.Columns == Dim.One) found.Along = Times(found.Along, factor);
            else found.Across = Times(found.Across, factor);
        }

        return IsComputed(found.Tile) ? (id, null, null, null)
            : inRows ? (found.Tile, found.Across, found.Along, found.Number) : (found.Tile, found.Along, found.Across, found.Number);
    }
}
