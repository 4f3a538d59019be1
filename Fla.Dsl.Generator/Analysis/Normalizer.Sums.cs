using Fla.Dsl.Generator.Diagnostics;
using Fla.Dsl.Generator.Model;

namespace Fla.Dsl.Generator.Analysis;

/// <content>Sums: what is written to a state.</content>
internal sealed partial class Normalizer
{
    private Value Sum(BinaryExpr sum)
    {
        var left = Evaluate(sum.Left);
        var right = Evaluate(sum.Right);
        if (left is State { Affine: { IsLog: true } shifted }) return Shifted(shifted, sum, sum.Right);
        if (right is State { Affine: { IsLog: true } other }) return Shifted(other, sum, sum.Left);
        if (sum.Operator == BinaryOperator.Subtract) right = Negated(right, sum.Right);
        switch (left, right)
        {
            case (Plain a, Plain b):
                return new Plain(sum with { Operator = BinaryOperator.Add, Left = a.Expr, Right = b.Expr });
            case (Writes a, Writes b):
                return new Writes(a.Terms.Concat(b.Terms).ToEquatableArray());
            case (State { Affine.IsVector: true } a, State b):
                return IsLookedAt(a.Affine)
                    ? Added(b.Affine, new Plain(Look(a.Affine, sum.Left)), sum.Left)
                    : Added(a.Affine, new Plain(Look(b.Affine, sum.Right)), sum.Right);
            case (State a, State b) when target is not null && (a.Affine.State == target) != (b.Affine.State == target):
                return a.Affine.State == target ? Joined(a.Affine, b.Affine, sum.Right) : Joined(b.Affine, a.Affine, sum.Left);
            case (State a, State b):
                throw new DeclarationException(
                    Rules.Feedback, sum.Span, target ?? a.Affine.State,
                    $"the sum {Text(sum)} of states is not one state with what is added to it");
            case (State a, Plain b) when IsLookedAt(a.Affine):
                return new Plain(sum with { Operator = BinaryOperator.Add, Left = Look(a.Affine, sum.Left), Right = b.Expr });
            case (Plain a, State b) when IsLookedAt(b.Affine):
                return new Plain(sum with { Operator = BinaryOperator.Add, Left = a.Expr, Right = Look(b.Affine, sum.Right) });
            case (State a, _):
                return Added(a.Affine, right, sum.Right);
            case (_, State b):
                return Added(b.Affine, left, sum.Left);
            default:
                throw new DeclarationException(
                    Rules.Expression, sum.Span, $"{Text(sum)}, a sum of outer products and another matrix,");
        }
    }

    /// <summary>What is added to a state in log-space on its way to its new value is the logarithm of a decay.</summary>
    private State Shifted(AffineState state, BinaryExpr sum, Expr addend)
    {
        var log = Token(addend);
        if (sum.Operator == BinaryOperator.Subtract) log = new UnaryExpr(UnaryFunction.Negate, log, log.Type) { Span = log.Span };
        if (log.Reads(state.State) || (sum.Operator == BinaryOperator.Subtract && addend == sum.Left)) throw Nonlinear(state.State, sum);
        var axis = log.Type.Kind == TermKind.Scalar ? DecayAxis.Whole : DecayAxis.Columns;
        var writes = state.Writes.Select(write => write with
        {
            Value = new BinaryExpr(BinaryOperator.Add, write.Value, log, state.Type) { Span = write.Value.Span },
        });
        return new State(state with
        {
            Decays = state.Decays.Add(new Decay(axis, new UnaryExpr(UnaryFunction.Exp, log, log.Type) { Span = log.Span }, log)),
            Writes = writes.ToEquatableArray(),
        });
    }

    /// <summary>A state in log-space on its way to its new value is written to by this; elsewhere it is a function of two values.</summary>
    private Value LogSum(BinaryExpr sum)
    {
        var (left, right) = (Evaluate(sum.Left), Evaluate(sum.Right));
        if ((left as State ?? right as State) is not { Affine: { IsLog: true } state } written)
            return new Plain(sum with { Left = Token(sum.Left), Right = Token(sum.Right) });
        var added = Token(ReferenceEquals(written, left) ? sum.Right : sum.Left);
        if (added.Reads(state.State)) throw Nonlinear(state.State, sum);
        return new State(state with { Writes = state.Writes.Add(new Write(One, Broadcast(added, state.Type))) });
    }

    private Value Negated(Value value, Expr source) => value switch
    {
        Plain plain => new Plain(new UnaryExpr(UnaryFunction.Negate, plain.Expr, plain.Expr.Type) { Span = source.Span }),
        Writes writes => new Writes(Scale(writes.Terms, new ConstantExpr(-1), DecayAxis.Whole)),
        State { Affine: { IsVector: true } affine } => Negated(affine, source),
        _ => throw new DeclarationException(Rules.Gate, source.Span, ((State)value).Affine.State, "-1"),
    };

    /// <summary>The negative of a vector state: -1 is a factor on its way to its new value.</summary>
    private Value Negated(AffineState state, Expr source) => state.IsLog || IsLookedAt(state)
        ? new Plain(new UnaryExpr(UnaryFunction.Negate, Look(state, source), state.Type) { Span = source.Span })
        : Decayed(
            state, new ConstantExpr(-1), DecayAxis.Whole,
            new BinaryExpr(BinaryOperator.Multiply, new ConstantExpr(-1), source, state.Type));

    /// <summary>Another matrix state added whole.</summary>
    private static State Joined(AffineState state, AffineState other, Expr source) =>
        new(state with { Inflows = state.Inflows.Add(new Inflow(other, source.Span)) });

    private static State Added(AffineState state, Value addend, Expr source) => addend switch
    {
        Writes writes => new State(state with { Writes = state.Writes.Concat(writes.Terms).ToEquatableArray() }),
        Plain plain when state.IsVector =>
            new State(state with { Writes = state.Writes.Add(new Write(One, Broadcast(plain.Expr, state.Type))) }),
        _ => throw new DeclarationException(
            Rules.Expression, source.Span, $"{Text(source)}, a matrix that is not an outer product, added to the state '{state.State}',"),
    };

    /// <summary>A scalar added to a vector state goes to each of its elements.</summary>
    private static Expr Broadcast(Expr expression, TermType type) =>
        expression.Type == type ? expression : new BinaryExpr(BinaryOperator.Multiply, expression, One, type) { Span = expression.Span };
}
