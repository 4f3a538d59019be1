using Fla.Dsl.Generator.Model;

namespace Fla.Dsl.Generator.Lowering;

/// <summary>The inner products of features, which are functions of the inner products of what the features are of.</summary>
internal sealed partial class TileBuilder
{
    /// <summary>The tile of inner products of rows, if both hold features of one map, each row perhaps times a number.</summary>
    /// <param name="left">The one tile.</param>
    /// <param name="right">The other tile.</param>
    /// <param name="contract">The same inner product of other rows.</param>
    /// <param name="across">Lays a number for each row of <paramref name="right"/> beside the inner products.</param>
    private int? InnerProductOfFeatures(int left, int right, Func<int, int, int> contract, Func<int, int> across)
    {
        var (a, b) = (this[Rows(left)], this[Rows(right)]);
        if (a.Op != TileOp.Features || b.Op != TileOp.Features || a.Map != b.Map) return null;
        var product = Kernel(a.Map, contract(a.Operands[0], b.Operands[0]));
        return Multiply(Multiply(Unscaled(left).Scale, product), across(Unscaled(right).Scale));
    }

    /// <summary>What a tile's rows are a multiple of, and the multiples: one number for each row.</summary>
    public (int Rows, int Scale) Unscaled(int id)
    {
        if (Factor(id) is not var (rest, factor)) return (id, Constant(1));
        var (rows, scale) = Unscaled(rest);
        return (rows, Multiply(factor(), scale));
    }

    private int Rows(int id) => Factor(id) is var (rest, _) ? Rows(rest) : id;

    private (int Scaled, Func<int> Scale)? Factor(int id)
    {
        var tile = this[id];
        bool IsNumber(int operand) => this[tile.Operands[operand]].Shape.Columns == Dim.One && tile.Shape.Columns != Dim.One;
        return tile.Op switch
        {
            TileOp.Negate => (tile.Operands[0], () => Constant(-1)),
            TileOp.Multiply when IsNumber(0) => (tile.Operands[1], () => tile.Operands[0]),
            TileOp.Multiply when IsNumber(1) => (tile.Operands[0], () => tile.Operands[1]),
            TileOp.Divide when IsNumber(1) => (tile.Operands[0], () => Divide(Constant(1), tile.Operands[1])),
            _ => null,
        };
    }

    private int Kernel(FeatureMap map, int inner) => map switch
    {
        FeatureMap.Quadratic => Multiply(inner, inner),
        FeatureMap.Taylor2 => Add(Constant(1), Multiply(inner, Add(Constant(1), Multiply(Constant(0.5), inner)))),
        _ => throw new InvalidOperationException($"No inner product of {map}."),
    };
}
