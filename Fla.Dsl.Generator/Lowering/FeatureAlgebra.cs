using Fla.Dsl.Generator.Model;

namespace Fla.Dsl.Generator.Lowering;

/// <summary>The inner products of features, which are functions of the inner products of what the features are of.</summary>
internal sealed partial class TileBuilder
{
    /// <summary>The product of a tile and a matrix, if features meet features in it.</summary>
    private int? ProductOfFeatures(int left, int right, bool transposeRight) =>
        (transposeRight ? InnerProductOfFeatures(left, right, (a, b) => MatMul(a, b, transposeRight: true), Transpose) : null)
        ?? ProductWithOwn(left, right, transposeRight);

    /// <summary>The inner products of the rows of two tiles, if features meet features in them.</summary>
    private int? InnerProductOfFeatures(int left, int right) =>
        InnerProductOfFeatures(left, right, (a, b) => SumColumns(Multiply(a, b)), b => b)
        ?? InnerProductWithOwn(left, right)
        ?? InnerProductWithOwn(right, left);

    /// <summary>The tile of inner products of rows, if both hold features of one map, each row perhaps times a number.</summary>
    /// <param name="left">The one tile.</param>
    /// <param name="right">The other tile.</param>
    /// <param name="contract">The same inner product of other rows.</param>
    /// <param name="across">Lays a number for each row of <paramref name="right"/> beside the inner products.</param>
    private int? InnerProductOfFeatures(int left, int right, Func<int, int, int> contract, Func<int, int> across)
    {
        if (!AreFeatures(left, right)) return null;
        var (a, b) = (this[Rows(left)], this[Rows(right)]);
        var product = Kernel(a.Map, contract(a.Operands[0], b.Operands[0]));
        return Multiply(Multiply(Unscaled(left).Scale, product), across(Unscaled(right).Scale));
    }

    /// <summary>
    /// The product of one token's features and a matrix to which the same token has added an outer product of features, if it is that:
    /// the two features meet apart from the rest. What the token contributes itself is then as exact as its inner product, and that may be
    /// most of the result where the features of other tokens nearly cancel.
    /// </summary>
    /// <param name="features">The features, of one row.</param>
    /// <param name="matrix">The matrix.</param>
    /// <param name="transposed">Whether the matrix is taken the other way round.</param>
    private int? ProductWithOwn(int features, int matrix, bool transposed)
    {
        if (this[features].Shape.Rows != Dim.One) return null;
        (int Key, int Value) Outer(Instruction product) => transposed
            ? (product.Operands[1], product.Operands[0])
            : (product.Operands[0], product.Operands[1]);
        bool IsOwn(Instruction term) =>
            term is { Op: TileOp.MatMul, TransposeLeft: true, TransposeRight: false } && AreFeatures(features, Outer(term).Key);
        bool HoldsOwn(int term) => IsOwn(this[term]) || (this[term].Op == TileOp.Add && this[term].Operands.Any(HoldsOwn));
        int Product(int term) => this[term] switch
        {
            var own when IsOwn(own) => Multiply(SumColumns(Multiply(features, Outer(own).Key)), Outer(own).Value),
            { Op: TileOp.Add, Operands: var terms } when HoldsOwn(term) => Add(Product(terms[0]), Product(terms[1])),
            _ => MatMul(features, term, transposeRight: transposed),
        };
        return HoldsOwn(matrix) ? Product(matrix) : null;
    }

    /// <summary>The same for a vector: the inner product of features and a sum with features in it, which meet apart from the rest.</summary>
    private int? InnerProductWithOwn(int features, int vector)
    {
        bool HoldsOwn(int term) =>
            AreFeatures(features, term) || (this[term].Op == TileOp.Add && this[term].Operands.Any(HoldsOwn));
        return this[vector] is { Op: TileOp.Add, Operands: var terms } && HoldsOwn(vector)
            ? Add(SumColumns(Multiply(features, terms[0])), SumColumns(Multiply(features, terms[1])))
            : null;
    }

    /// <summary>What a tile's rows are a multiple of, and the multiples: one number for each row.</summary>
    public (int Rows, int Scale) Unscaled(int id)
    {
        if (Factor(id) is not var (rest, factor)) return (id, Constant(1));
        var (rows, scale) = Unscaled(rest);
        return (rows, Multiply(factor(), scale));
    }

    private bool AreFeatures(int left, int right) =>
        (this[Rows(left)], this[Rows(right)]) is ({ Op: TileOp.Features } a, { Op: TileOp.Features } b) && a.Map == b.Map;

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
