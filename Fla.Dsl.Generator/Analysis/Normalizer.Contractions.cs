using Fla.Dsl.Generator.Model;

namespace Fla.Dsl.Generator.Analysis;

/// <content>Inner products: what of a matrix or a vector a query meets.</content>
internal sealed partial class Normalizer
{
    /// <summary>A Dot with a state is a read; with outer products it is taken apart; otherwise it is a plain contraction.</summary>
    private Expr Contract(DotExpr dot)
    {
        var byColumns = dot.Left.Type.Kind == TermKind.Matrix;
        var (query, matrix) = byColumns ? (dot.Right, dot.Left) : (dot.Left, dot.Right);
        return matrix.Type.Kind == TermKind.Matrix ? Contract(dot, Token(query), matrix, byColumns) : Product(dot);
    }

    /// <summary>
    /// An inner product with a vector state is a read by columns of a matrix of one row: the state's own tokens meet the query.
    /// </summary>
    private Expr Product(DotExpr dot)
    {
        tokenDepth++;
        var (left, right) = (Evaluate(dot.Left), Evaluate(dot.Right));
        tokenDepth--;
        if ((right as State ?? left as State) is not { } state)
            return dot with { Left = ((Plain)left).Expr, Right = ((Plain)right).Expr };
        var query = Token(ReferenceEquals(state, right) ? dot.Left : dot.Right);
        return new ReadExpr(query, state.Affine, true, TermType.Scalar) { Span = dot.Span };
    }

    /// <summary>A Dot is linear in its matrix: what is not one state with its decays and writes is taken apart.</summary>
    private Expr Contract(DotExpr dot, Expr query, Expr matrix, bool byColumns)
    {
        Expr Combined(BinaryOperator operation, Expr left, Expr right) =>
            new BinaryExpr(operation, left, right, dot.Type) { Span = dot.Span };
        Expr With(Expr part) => Contract(dot, query, part, byColumns);
        switch (IsSeveral(matrix) ? matrix : null)
        {
            case UnaryExpr { Function: UnaryFunction.Negate } negation:
                return new UnaryExpr(UnaryFunction.Negate, With(negation.Operand), dot.Type) { Span = dot.Span };
            case BinaryExpr { Operator: BinaryOperator.Add or BinaryOperator.Subtract } sum:
                return Combined(sum.Operator, With(sum.Left), With(sum.Right));
            case BinaryExpr { Operator: BinaryOperator.Multiply, Left.Type.Kind: not TermKind.Matrix } product:
                return Scaled(Token(product.Left), product.Right, meetsQuery: !byColumns);
            case BinaryExpr { Operator: BinaryOperator.Multiply, Right.Type.Kind: not TermKind.Matrix } product:
                return Scaled(Token(product.Right), product.Left, meetsQuery: byColumns);
            case BinaryExpr { Operator: BinaryOperator.Divide } quotient:
                return Combined(BinaryOperator.Divide, With(quotient.Left), Token(quotient.Right));
        }

        return Evaluate(matrix) switch
        {
            State state => new ReadExpr(query, state.Affine, byColumns, dot.Type) { Span = dot.Span },
            Writes writes => writes.Terms.Select(write => Reading.OwnTerm(query, write, byColumns, dot.Type))
                .Aggregate((a, b) => Combined(BinaryOperator.Add, a, b)) with { Span = dot.Span },
            Plain plain => byColumns ? dot with { Left = plain.Expr, Right = query } : dot with { Left = query, Right = plain.Expr },
            _ => throw new InvalidOperationException("A matrix is a state, outer products or an argument."),
        };

        // A vector on the side of the query scales the query, on the other side what is read.
        Expr Scaled(Expr factor, Expr rest, bool meetsQuery) => meetsQuery && factor.Type.Kind == TermKind.Vector
            ? Contract(dot, Times(factor, query), rest, byColumns)
            : Combined(BinaryOperator.Multiply, factor, With(rest));
    }

    /// <summary>Whether a matrix holds states in another way than as one state, decayed and added to.</summary>
    private bool IsSeveral(Expr matrix) => matrix.HoldsMatrixState() && matrix switch
    {
        StateExpr => false,
        BinaryExpr { Operator: BinaryOperator.Add } sum when sum.Left.HoldsMatrixState() != sum.Right.HoldsMatrixState() =>
            IsSeveral(sum.Left) || IsSeveral(sum.Right),
        BinaryExpr { Operator: BinaryOperator.Subtract } difference when !difference.Right.HoldsMatrixState() =>
            IsSeveral(difference.Left),
        BinaryExpr { Operator: BinaryOperator.Multiply, Left.Type.Kind: not TermKind.Matrix } product =>
            IsSeveral(product.Right) || Logarithm(Token(product.Left)) is null,
        BinaryExpr { Operator: BinaryOperator.Multiply or BinaryOperator.Divide, Right.Type.Kind: not TermKind.Matrix } product =>
            IsSeveral(product.Left) || Logarithm(Token(product.Right)) is null,
        _ => true,
    };
}
