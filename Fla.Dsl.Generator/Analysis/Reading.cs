using Fla.Dsl.Generator.Diagnostics;
using Fla.Dsl.Generator.Model;

namespace Fla.Dsl.Generator.Analysis;

/// <summary>When in the token a state is looked at. It decides which earlier tokens count, and decayed by which gates.</summary>
internal enum ReadPoint
{
    /// <summary>As the token before left it: earlier tokens j, decayed by the gates between j and i.</summary>
    BeforeDecay,

    /// <summary>After the token's decay, before its writes: earlier tokens, decayed by the gates after j up to and with i's own.</summary>
    AfterDecay,

    /// <summary>As the token leaves it: like <see cref="AfterDecay"/>, and the token's own writes.</summary>
    AfterWrite,
}

/// <summary>
/// A read against the whole token's update: where it stands (<paramref name="Point"/>), decays of its own beyond that point
/// (<paramref name="Extra"/>), and the token's own writes and inflows that it sees (<paramref name="Own"/> and
/// <paramref name="OwnInflows"/>, empty for <see cref="ReadPoint.AfterWrite"/>, whose mask has them).
/// </summary>
internal sealed record Reading(ReadPoint Point, EquatableArray<Decay> Extra, EquatableArray<Write> Own, EquatableArray<Inflow> OwnInflows)
{
    public static Reading Of(AffineState snapshot, AffineState update)
    {
        if (snapshot.Equals(update)) return new Reading(ReadPoint.AfterWrite, default, default, default);
        if (update.IsScanned) return new Reading(ReadPoint.BeforeDecay, snapshot.Decays, snapshot.Writes, default);
        return snapshot.Decays.Equals(update.Decays)
            ? new Reading(ReadPoint.AfterDecay, default, snapshot.Writes, snapshot.Inflows)
            : new Reading(ReadPoint.BeforeDecay, snapshot.Decays, snapshot.Writes, snapshot.Inflows);
    }

    /// <summary>What a query sees of one write of its own token: <c>(query . key) value</c>, or by columns <c>(query . value) key</c>.</summary>
    public static Expr OwnTerm(Expr query, Write write, bool byColumns, TermType type)
    {
        // A vector state is seen whole, and its key is 1.
        if (query.Type.Kind == TermKind.Scalar && write.Key.Type.Kind == TermKind.Scalar) return write.Value;
        var (met, given) = byColumns ? (write.Value, write.Key) : (write.Key, write.Value);
        return new BinaryExpr(BinaryOperator.Multiply, new DotExpr(query, met, TermType.Scalar) { Span = query.Span }, given, type) { Span = query.Span };
    }
}

/// <summary>What a write adds, split by its reads of the very state it goes to: <c>External + sum of Coefficient * Columns * Read</c>.</summary>
internal sealed record Feedback(Expr? External, EquatableArray<FeedbackTerm> Terms)
{
    public static Feedback Of(Write write, string state) => Split(write.Value, state);

    private static Feedback Split(Expr value, string state)
    {
        if (!value.Reads(state)) return new Feedback(value, default);
        switch (value)
        {
            case ReadExpr { ByColumns: true, Snapshot.IsVector: false } read when read.Snapshot.State == state:
                throw new DeclarationException(Rules.Feedback, read.Span, state, $"it is read by its columns, as '{ExpressionText.Of(read)}', where a read by its rows can be solved for");
            case ReadExpr { ByColumns: true } read when read.Snapshot.State == state:
                throw Mixed(value, state);
            case ReadExpr read when read.Snapshot.State == state && !read.Query.Reads(state) && !read.Snapshot.Decays.Any(decay => decay.Factor.Reads(state)):
                return Look(read, state);
            case UnaryExpr { Function: UnaryFunction.Negate } negation:
                return Split(negation.Operand, state).Times(new ConstantExpr(-1));
            case BinaryExpr { Operator: BinaryOperator.Add } sum:
                return Split(sum.Left, state).Plus(Split(sum.Right, state));
            case BinaryExpr { Operator: BinaryOperator.Subtract } difference:
                return Split(difference.Left, state).Plus(Split(difference.Right, state).Times(new ConstantExpr(-1)));
            case BinaryExpr { Operator: BinaryOperator.Multiply } product when !product.Left.Reads(state):
                return Split(product.Right, state).Times(product.Left);
            case BinaryExpr { Operator: BinaryOperator.Multiply } product when !product.Right.Reads(state):
                return Split(product.Left, state).Times(product.Right);
            case BinaryExpr { Operator: BinaryOperator.Divide } quotient when !quotient.Right.Reads(state):
                return Split(quotient.Left, state).Times(new BinaryExpr(BinaryOperator.Divide, new ConstantExpr(1), quotient.Right, quotient.Right.Type) { Span = quotient.Right.Span });
            case DotExpr or UnaryExpr { Function: UnaryFunction.Sum }:
                throw Mixed(value, state);
            default:
                throw new DeclarationException(Rules.Nonlinear, value.Span, state, $"'{ExpressionText.Of(value)}'");
        }
    }

    private static DeclarationException Mixed(Expr value, string state) =>
        new(Rules.Feedback, value.Span, state, $"'{ExpressionText.Of(value)}' mixes its elements, each of which is solved for by itself");

    /// <summary>A look at the state; where it sees what the token wrote after a look of its own, that write is put in.</summary>
    private static Feedback Look(ReadExpr read, string state)
    {
        var seen = read.Snapshot.Writes.Where(write => write.Reads(state)).ToList();
        var others = read.Snapshot.Writes.Where(write => !write.Reads(state)).ToEquatableArray();
        var look = new FeedbackTerm(new ConstantExpr(1), null, read with { Snapshot = read.Snapshot with { Writes = others } });
        return seen.Aggregate(new Feedback(null, EquatableArray<FeedbackTerm>.Empty.Add(look)), (sum, write) =>
        {
            if (write.Key.Reads(state)) throw new DeclarationException(Rules.Nonlinear, write.Key.Span, state, $"'{ExpressionText.Of(write.Key)}'");
            var value = Split(write.Value, state);
            return sum.Plus(write.Key.Type.Kind == TermKind.Scalar ? value : value.Times(new DotExpr(read.Query, write.Key, TermType.Scalar) { Span = read.Span }));
        });
    }

    private Feedback Times(Expr factor) => new(
        External is null ? null : Product(factor, External),
        Terms.Select(term => Times(term, factor)).ToEquatableArray());

    private static FeedbackTerm Times(FeedbackTerm term, Expr factor) => factor switch
    {
        { Type.Kind: TermKind.Scalar } => term with { Coefficient = Product(factor, term.Coefficient) },
        BinaryExpr { Operator: BinaryOperator.Multiply } product => Times(Times(term, product.Right), product.Left),
        _ => term with { Columns = term.Columns is null ? factor : Product(factor, term.Columns) },
    };

    private static Expr Product(Expr factor, Expr term) =>
        new BinaryExpr(BinaryOperator.Multiply, factor, term, term.Type.Kind == TermKind.Scalar ? factor.Type : term.Type) { Span = factor.Span };

    private Feedback Plus(Feedback other) => new(
        External is null ? other.External : other.External is null ? External : new BinaryExpr(BinaryOperator.Add, External, other.External, External.Type),
        Terms.Concat(other.Terms).ToEquatableArray());
}

/// <summary>One linear look back: a scalar times a read, and times a vector over the columns if there is one.</summary>
internal sealed record FeedbackTerm(Expr Coefficient, Expr? Columns, ReadExpr Read);
