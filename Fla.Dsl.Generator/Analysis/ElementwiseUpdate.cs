using Fla.Dsl.Generator.Model;

namespace Fla.Dsl.Generator.Analysis;

/// <summary>
/// What a token does to a vector state by element: <c>h' = Factor * h + sum of Added</c>. A look back is a factor here: what
/// <c>h += beta * (x - h)</c> keeps is <c>1 - beta</c>. Factors may have any sign.
/// </summary>
internal sealed record ElementwiseUpdate(Expr Factor, EquatableArray<Expr> Added)
{
    public static ElementwiseUpdate Of(AffineState update)
    {
        var factor = Product(update.Decays);
        var added = new List<Expr>();
        foreach (var feedback in update.Writes.Select(write => Feedback.Of(write, update.State)))
        {
            if (feedback.External is not null) added.Add(feedback.External);
            foreach (var (scalar, columns, read) in feedback.Terms)
            {
                var coefficient = columns is null ? scalar : Times(scalar, columns);
                factor = Combined(BinaryOperator.Add, factor, Times(coefficient, Product(read.Snapshot.Decays)));
                added.AddRange(read.Snapshot.Writes.Select(write => Times(coefficient, write.Value)));
            }
        }

        return new ElementwiseUpdate(factor, added.ToEquatableArray());
    }

    public static Expr Times(Expr left, Expr right) => Combined(BinaryOperator.Multiply, left, right);

    private static Expr Product(IEnumerable<Decay> decays) => decays.Select(decay => decay.Factor).DefaultIfEmpty(new ConstantExpr(1)).Aggregate(Times);

    private static Expr Combined(BinaryOperator operation, Expr left, Expr right) =>
        new BinaryExpr(operation, left, right, left.Type.Kind == TermKind.Scalar ? right.Type : left.Type) { Span = left.Span };
}
