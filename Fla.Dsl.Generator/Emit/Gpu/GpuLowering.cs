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
    private readonly TileProgram program;
    private readonly TileBuilder builder = new();
    private readonly Dictionary<int, int> map;

    /// <summary>What products take as it is, once for each.</summary>
    private readonly List<int> operands;

    private GpuLowering(TileProgram program)
    {
        this.program = program;
        operands = program.Instructions.Where(tile => tile.Op is TileOp.MatMul or TileOp.SolveUnitLower).SelectMany(tile => tile.Operands).ToList();
        map = builder.InputsOf(program);
    }

    public static TileProgram Lower(TileProgram program)
    {
        var lowering = new GpuLowering(program);
        foreach (var tile in program.Instructions.Where(tile => tile.Op != TileOp.Input)) lowering.map.Add(tile.Id, lowering.Lowered(tile));
        return SumExchange.Apply(Simplification.Simplify(lowering.builder.Build(program, lowering.map)));
    }

    private int Lowered(Instruction tile)
    {
        int X(int operand) => map[tile.Operands[operand]];
        return tile.Op switch
        {
            TileOp.DecayMatrix => Decays(X(0), tile),
            TileOp.SumRows when IsGate(tile.Operands[0]) && HasSums(tile.Operands[0]) => builder.LastRow(Sums(X(0))),
            TileOp.CumulativeSum when Places.Of(tile.Shape) == Place.Tile && IsGate(tile.Operands[0]) && tile is { Reverse: true, Exclusive: true } =>
                builder.Name(builder.Subtract(builder.LastRow(Sums(X(0))), Sums(X(0))), tile.Name),
            TileOp.CumulativeSum when !tile.Reverse && !IsGate(tile.Operands[0]) =>
                builder.Subtract(Total(X(0)), SumsFrom(X(0), !tile.Exclusive)),
            TileOp.CumulativeSum when Places.Of(tile.Shape) == Place.Tile && tile.Exclusive && !IsGate(tile.Operands[0]) =>
                builder.Name(SumsFrom(X(0), exclusive: true), tile.Name),
            TileOp.Divide when Places.Of(tile.Shape) == Place.Tile && Places.Of(builder[X(1)].Shape) != Place.Tile =>
                builder.Name(builder.Multiply(X(0), builder.Divide(builder.Constant(1), X(1))), tile.Name),
            TileOp.Add or TileOp.Subtract => builder.Name(Merged(builder.Binary(tile.Op, X(0), X(1))), tile.Name),
            TileOp.DecayedDot => builder.Name(builder.DecayedDot(X(0), X(1), Sums(X(2)), tile.Point), tile.Name),
            TileOp.DecayedMix => builder.Name(builder.DecayedMix(X(0), X(1), Sums(X(2)), tile.Point), tile.Name),
            TileOp.DecayedMixTransposed => builder.Name(builder.DecayedMixTransposed(X(0), X(1), Sums(X(2)), tile.Point), tile.Name),
            TileOp.SolveUnitLower => builder.Name(builder.MatMul(builder.InverseUnitLower(X(0)), X(1), transposeLeft: tile.Reverse), tile.Name),
            TileOp.MatMul => builder.Name(Product(X(0), X(1), tile.TransposeLeft, tile.TransposeRight), tile.Name),
            _ => builder.Copy(tile, map),
        };
    }

    /// <summary>Sums of log-decays, from which kernels take all that decays: operations over decays are given the sums here.</summary>
    private int Sums(int gates) => builder.CumulativeSum(gates);

    /// <summary>Whether a value is a decay of something, or follows from arguments alone, none of which is summed over, as decays do.</summary>
    private bool IsGate(int id) => program[id].Shape.Rows == Dim.Time && (IsDecay(id) || program.Ancestors([id]).All(ancestor =>
        Places.IsElementwise(program[ancestor].Op) || program[ancestor].Op == TileOp.Constant
        || program.Inputs.Any(input => input.Id == ancestor && input.Kind is InputKind.Argument or InputKind.Validity)));

    private bool IsDecay(int id) => program.Instructions.Any(user => user.Op is TileOp.DecayMatrix or TileOp.DecayedDot or TileOp.DecayedMix
        or TileOp.DecayedMixTransposed && user.Operands[user.Operands.Count - 1] == id);

    /// <summary>Sums of a tile from each token on, of one kind, so that those of a sum are one.</summary>
    private int SumsFrom(int tile, bool exclusive)
    {
        var sums = builder.CumulativeSum(tile, reverse: true);
        return exclusive ? builder.Subtract(sums, tile) : sums;
    }

    /// <summary>The sum over the tokens; of sums over the columns, which factors go into, that over a whole tile.</summary>
    private int Total(int sums)
    {
        if (builder[sums] is not { Op: TileOp.Multiply, Operands: var factors } || builder[factors[0]].Op != TileOp.SumColumns
            || builder[builder[factors[0]].Operands[0]] is not { Op: TileOp.Multiply, Operands: var tiles }
            || tiles.Any(tile => Places.Of(builder[tile].Shape) != Place.Tile))
            return builder.SumRows(sums);
        return builder.SumRows(builder.SumColumns(builder.Multiply(builder.Multiply(tiles[0], factors[1]), tiles[1])));
    }

    /// <summary>Whether something other than the sum of all of them takes sums of log-decays.</summary>
    private bool HasSums(int gates) => IsDecay(gates) || program.Instructions.Any(user => user.Op == TileOp.CumulativeSum && user.Operands[0] == gates);

    /// <summary>Of a sum, terms that are sums down the tokens as one.</summary>
    private int Merged(int sum)
    {
        if (builder[sum].Op is not (TileOp.Add or TileOp.Subtract)) return sum;
        var (left, right) = (builder[sum].Operands[0], builder[sum].Operands[1]);
        if (builder[right].Op == TileOp.CumulativeSum && WithSums(left, builder[sum].Op, right) is { } merged) return merged;
        return builder[left].Op == TileOp.CumulativeSum && builder[sum].Op == TileOp.Add && WithSums(right, TileOp.Add, left) is { } turned ? turned : sum;
    }

    /// <summary>A value with sums down the tokens added to those that are a term of it, or subtracted; null where there are none.</summary>
    private int? WithSums(int value, TileOp op, int sums)
    {
        if (TileBuilder.MergeableSums(builder[value], builder[sums])) return builder.Binary(op, value, sums);
        if (builder[value].Op is not (TileOp.Add or TileOp.Subtract) || builder[value].Shape != builder[sums].Shape) return null;
        var (a, b) = (builder[value].Operands[0], builder[value].Operands[1]);
        var within = builder[value].Op == TileOp.Add ? op : op == TileOp.Add ? TileOp.Subtract : TileOp.Add;
        if (WithSums(b, within, sums) is { } second) return builder.Binary(builder[value].Op, a, second);
        return WithSums(a, op, sums) is { } first ? builder.Binary(builder[value].Op, first, b) : null;
    }

    /// <summary><c>exp(G_i - G_j)</c> of the sums G up to a token, where j counts for i.</summary>
    private int Decays(int gate, Instruction matrix)
    {
        var upTo = Sums(gate);
        var later = matrix.Point == ReadPoint.BeforeDecay ? builder.CumulativeSum(gate, exclusive: true) : upTo;
        return builder.Name(builder.CausalMask(builder.Exp(builder.Subtract(later, builder.Transpose(upTo))), matrix.Point), matrix.Name);
    }

    /// <summary>
    /// A product of what lies in shared memory as it came: <c>(diag(r) x) (y diag(c)) = diag(r) (x y) diag(c)</c>. Factors along the
    /// dimension that is summed over stay, in one line; a number goes to an operand that is computed anyway, or to the result.
    /// </summary>
    private int Product(int left, int right, bool transposeLeft, bool transposeRight)
    {
        if (WithLine(left, right, transposeLeft, transposeRight) is { } line) return line;

        // Whether what is summed over lies along the rows.
        var (inRows, inRowsToo) = (transposeLeft, !transposeRight);
        var (a, b) = (FactorsOf(left, inRows), FactorsOf(right, inRowsToo));
        var number = Times(a.Number, b.Number);
        var inner = Times(inRows == inRowsToo ? a.Inner : Turned(a.Inner), b.Inner);
        var isState = (inRows ? builder[a.Tile].Shape.Columns : builder[a.Tile].Shape.Rows) != Dim.Time && (inRowsToo ? builder[b.Tile].Shape.Columns : builder[b.Tile].Shape.Rows) != Dim.Time;
        if (inner is not null && number is { } n) (inner, number) = (builder.Multiply(inner.Value, n), null);
        if (number is { } alone && (IsInRegisters(a.Tile, left) || IsInRegisters(b.Tile, right)))
        {
            if (IsInRegisters(a.Tile, left)) a.Tile = builder.Multiply(a.Tile, alone);
            else b.Tile = builder.Multiply(b.Tile, alone);
            number = null;
        }
        else if (number is { } ofState && isState && inRowsToo)
        {
            (inner, number) = (builder.Broadcast(ofState, new Shape(builder[b.Tile].Shape.Rows, Dim.One)), null);
        }

        if (inner is not null) b.Tile = builder.Multiply(b.Tile, inner.Value);

        var product = builder.MatMul(a.Tile, b.Tile, transposeLeft, transposeRight);
        foreach (var factor in new[] { inRows ? Turned(a.Outer) : a.Outer, inRowsToo ? b.Outer : Turned(b.Outer), number })
            if (factor is not null) product = builder.Multiply(product, factor.Value);
        return product;
    }

    /// <summary>A product with a single row or column: sums, or all products of two numbers.</summary>
    private int? WithLine(int left, int right, bool transposeLeft, bool transposeRight)
    {
        var (a, b) = (builder[left].Shape, builder[right].Shape);
        if ((transposeLeft ? a.Rows : a.Columns) == Dim.One)
            return builder.Multiply(transposeLeft ? builder.Transpose(left) : left, transposeRight ? builder.Transpose(right) : right);
        if ((transposeLeft ? a.Columns : a.Rows) == Dim.One)
        {
            return transposeRight
                ? builder.Transpose(builder.SumColumns(builder.Multiply(right, transposeLeft ? builder.Transpose(left) : left)))
                : builder.SumRows(builder.Multiply(right, transposeLeft ? left : builder.Transpose(left)));
        }

        if ((transposeRight ? b.Rows : b.Columns) != Dim.One) return null;
        return transposeLeft
            ? builder.Transpose(builder.SumRows(builder.Multiply(left, transposeRight ? builder.Transpose(right) : right)))
            : builder.SumColumns(builder.Multiply(left, transposeRight ? right : builder.Transpose(right)));
    }

    private int? Times(int? left, int? right) => left is null ? right : right is null ? left : builder.Multiply(left.Value, right.Value);

    private int? Turned(int? line) => line is { } id ? builder.Transpose(id) : null;

    /// <summary>Whether a tile is stored for this product from registers, where a factor costs nothing.</summary>
    private bool IsInRegisters(int id, int operand) => !IsThere(id, operand) && builder[id].Op is not (TileOp.DecayedDot or TileOp.InverseUnitLower or TileOp.CumulativeSum);

    /// <summary>Whether a tile came, or lies in shared memory for another product than that of <paramref name="operand"/>.</summary>
    private bool IsThere(int id, int operand) => builder[id].Op == TileOp.Input
        || operands.Count(other => map.TryGetValue(other, out var lowered) && lowered == id) > (id == operand ? 1 : 0);

    /// <summary>An operand as what is there and its factors; one that is not as it is.</summary>
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

        return !IsThere(found.Tile, id) ? (id, null, null, null)
            : inRows ? (found.Tile, found.Across, found.Along, found.Number) : (found.Tile, found.Along, found.Across, found.Number);
    }
}
