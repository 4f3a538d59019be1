using Fla.Dsl.Generator.Analysis;
using Fla.Dsl.Generator.Model;

namespace Fla.Dsl.Generator.Lowering;

/// <summary>
/// Lowers terms of the token to tiles, one row a token: a vector over D is a tile [C]xD, a scalar [C]x1, a per-head vector 1xD. A matrix
/// that is one and the same for all tokens is a tile RxC; one that each token has of its own is flattened to a row, [C]x(R*C).
/// What a state gives is the business of the caller, as it differs between a chunk and a single token.
/// </summary>
internal sealed class TokenTerms
{
    private readonly TileBuilder builder;
    private readonly string time;
    private readonly Func<Expr, int?> states;
    private readonly Dictionary<Expr, int> known = [];
    private readonly Dictionary<Expr, int> knownFlat = [];
    private readonly Dictionary<string, int> arguments = [];
    private readonly int? validity;

    /// <param name="builder">Where to write.</param>
    /// <param name="declaration">Whose arguments become inputs.</param>
    /// <param name="time">The tokens of a tile: <see cref="Dim.Time"/> or <see cref="Dim.One"/>.</param>
    /// <param name="states">Gives the tile of a term that looks at a state, and null for every other term.</param>
    public TokenTerms(TileBuilder builder, Declaration declaration, string time, Func<Expr, int?> states)
    {
        this.builder = builder;
        this.time = time;
        this.states = states;
        foreach (var parameter in declaration.Parameters)
            arguments.Add(parameter.Name, builder.Input(parameter.Name, InputKind.Argument, ShapeOf(parameter.Role, parameter.Type)));
        var mask = builder.Input("valid", InputKind.Validity, new Shape(time, Dim.One));
        validity = time == Dim.One ? null : mask;
    }

    public int Lower(Expr expression)
    {
        if (!known.TryGetValue(expression, out var id)) known.Add(expression, id = states(expression) ?? Write(expression));
        return id;
    }

    /// <summary>A term as flattened matrices, one a row: a vector stands for the rows, or for the columns.</summary>
    /// <param name="expression">A matrix, a vector or a scalar.</param>
    /// <param name="matrix">The type of the matrix.</param>
    /// <param name="byColumns">Whether a vector has an element for each column.</param>
    public int LowerFlat(Expr expression, TermType matrix, bool byColumns = false) => expression.Type.Kind switch
    {
        TermKind.Scalar => Lower(expression),
        TermKind.Vector when byColumns => builder.RowOuter(builder.Constant(1, new Shape(Dim.One, matrix.Rows)), Lower(expression)),
        TermKind.Vector => builder.RowOuter(Lower(expression), builder.Constant(1, new Shape(Dim.One, matrix.Columns))),
        _ when knownFlat.TryGetValue(expression, out var known) => known,
        _ => knownFlat[expression] = WriteFlat(expression),
    };

    /// <summary>The term where a token is, 0 where padding is.</summary>
    public int LowerMasked(Expr expression) => Masked(expression, Lower(expression));

    /// <summary>A tile of the term where a token is, 0 where padding is.</summary>
    public int Masked(Expr expression, int id) => validity is { } valid && !expression.VanishesAtPadding() ? builder.Multiply(valid, id) : id;

    /// <summary>A factor where a token is, 1 where padding is.</summary>
    public int LowerFactor(Expr expression) => validity is { } valid && !expression.IsOneAtPadding()
        ? builder.Add(builder.Multiply(valid, Lower(expression)), builder.Subtract(builder.Constant(1), valid))
        : Lower(expression);

    /// <summary>A logarithm where a token is, that of nothing where padding is.</summary>
    public int LowerLogarithm(Expr expression) => validity is { } valid
        ? builder.Add(Lower(expression), builder.Unary(TileOp.Log, valid))
        : Lower(expression);

    private Shape ShapeOf(ParameterRole role, TermType type) => type.Kind == TermKind.Matrix
        ? new Shape(type.Rows, type.Columns)
        : new Shape(role is ParameterRole.PerHead or ParameterRole.Scale ? Dim.One : time, type.Columns);

    private int Write(Expr expression) => expression switch
    {
        ConstantExpr constant => builder.Constant(constant.Value),
        ArgumentExpr argument => arguments[argument.Name],
        UnaryExpr unary => Apply(unary.Function, Guarded(unary)),
        BinaryExpr binary => Elementwise(binary),
        DotExpr dot when dot.Type.Kind == TermKind.Scalar => builder.SumColumns(builder.Multiply(Lower(dot.Left), Lower(dot.Right))),
        DotExpr dot when dot.Left.Type.Kind == TermKind.Matrix && IsPerToken(dot.Left) => builder.RowDotRight(LowerFlat(dot.Left, dot.Left.Type), Lower(dot.Right)),
        DotExpr dot when dot.Right.Type.Kind == TermKind.Matrix && IsPerToken(dot.Right) => builder.RowDotLeft(Lower(dot.Left), LowerFlat(dot.Right, dot.Right.Type)),
        DotExpr dot when dot.Left.Type.Kind == TermKind.Matrix => builder.MatMul(Lower(dot.Right), Lower(dot.Left), transposeRight: true),
        DotExpr dot => builder.MatMul(Lower(dot.Left), Lower(dot.Right)),
        OuterExpr outer => builder.MatMul(Lower(outer.Rows), Lower(outer.Columns), transposeLeft: true),
        _ => throw new InvalidOperationException($"No tile form of {expression.GetType().Name}."),
    };

    /// <summary>Whether a matrix differs from token to token, where a tile has many of them.</summary>
    private bool IsPerToken(Expr matrix) => time != Dim.One && matrix.SelfAndDescendants().Any(term => term is ArgumentExpr { Role: ParameterRole.Token } or ReadExpr);

    private int WriteFlat(Expr matrix) => matrix switch
    {
        UnaryExpr unary => Apply(unary.Function, LowerFlat(unary.Operand, matrix.Type)),
        BinaryExpr binary => builder.Binary(Operation(binary), LowerFlat(binary.Left, matrix.Type), LowerFlat(binary.Right, matrix.Type, byColumns: true)),
        OuterExpr outer => builder.RowOuter(Lower(outer.Rows), Lower(outer.Columns)),
        _ => builder.Flatten(Lower(matrix)),
    };

    /// <summary>Padding reads as 0, where a logarithm and a division are not finite: there they see 1 more.</summary>
    private int Guarded(UnaryExpr unary) => unary.Function is UnaryFunction.Log or UnaryFunction.Sqrt ? Guarded(unary.Operand) : Lower(unary.Operand);

    private int Guarded(Expr operand) => validity is { } valid && operand.VanishesAtPadding()
        ? builder.Add(Lower(operand), builder.Subtract(builder.Constant(1), valid))
        : Lower(operand);

    private int Elementwise(BinaryExpr binary)
    {
        var left = Lower(binary.Left);
        var right = binary.Operator == BinaryOperator.Divide ? Guarded(binary.Right) : Lower(binary.Right);
        if (binary.Left.Type.Kind == TermKind.Vector && binary.Right.Type.Kind == TermKind.Matrix) left = builder.Transpose(left);
        return builder.Binary(Operation(binary), left, right);
    }

    private static TileOp Operation(BinaryExpr binary) => binary.Operator switch
    {
        BinaryOperator.Add => TileOp.Add,
        BinaryOperator.Subtract => TileOp.Subtract,
        BinaryOperator.Multiply => TileOp.Multiply,
        BinaryOperator.LogAddExp => TileOp.LogAddExp,
        _ => TileOp.Divide,
    };

    private int Apply(UnaryFunction function, int x) => function switch
    {
        UnaryFunction.Negate => builder.Negate(x),
        UnaryFunction.Exp => builder.Exp(x),
        UnaryFunction.Log => builder.Unary(TileOp.Log, x),
        UnaryFunction.Sqrt => builder.Unary(TileOp.Sqrt, x),
        UnaryFunction.Square => builder.Multiply(x, x),
        UnaryFunction.Sigmoid => builder.Unary(TileOp.Sigmoid, x),
        UnaryFunction.LogSigmoid => builder.Negate(builder.Unary(TileOp.Softplus, builder.Negate(x))),
        UnaryFunction.Tanh => builder.Unary(TileOp.Tanh, x),
        UnaryFunction.Relu => builder.Unary(TileOp.Relu, x),
        UnaryFunction.Silu => builder.Multiply(x, builder.Unary(TileOp.Sigmoid, x)),
        UnaryFunction.Softplus => builder.Unary(TileOp.Softplus, x),
        UnaryFunction.Softmax => builder.Softmax(x),
        UnaryFunction.Sum => builder.SumColumns(x),
        UnaryFunction.Quadratic => builder.Features(FeatureMap.Quadratic, x),
        UnaryFunction.Taylor2 => builder.Features(FeatureMap.Taylor2, x),
        _ => throw new InvalidOperationException($"No tile form of {function}."),
    };
}
