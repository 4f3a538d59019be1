using Fla.Dsl.Generator.Diagnostics;
using Fla.Dsl.Generator.Model;

namespace Fla.Dsl.Generator.Analysis;

/// <summary>
/// Brings a declaration into the recurrence normal form by walking its terms once with symbolic states: each state is kept as
/// <see cref="AffineState"/>, and looking at one leaves a <see cref="ReadExpr"/> in the term that looks.
/// </summary>
internal sealed partial class Normalizer
{
    private static readonly ConstantExpr One = new(1);

    private readonly Declaration declaration;
    private readonly Dictionary<(string State, int Version), AffineState> states = [];

    /// <summary>How many terms around the one at hand want a value of the token and not a state.</summary>
    private int tokenDepth;

    /// <summary>The state whose new value is at hand, if it is one.</summary>
    private string? target;

    private Normalizer(Declaration declaration) => this.declaration = declaration;

    public static NormalForm Normalize(Declaration declaration) => new Normalizer(declaration).Run();

    private NormalForm Run()
    {
        var last = new Dictionary<string, AffineState>();
        foreach (var state in declaration.States)
            states[(state.Name, 0)] = new AffineState(state.Name, state.Type, state.IsLogSpace, default, default);
        foreach (var update in declaration.Updates)
        {
            target = update.State;
            states[(update.State, update.Version)] = last[update.State] = Evaluate(update.Value) switch
            {
                State { Affine: var affine } when affine.State == update.State => affine,
                State { Affine: { IsVector: false } other } => throw new DeclarationException(
                    Rules.Feedback, update.Value.Span, update.State, $"it takes over the state '{other.State}' whole"),
                var replaced => throw Replaced(update, replaced),
            };
        }

        target = null;
        var output = Token(declaration.Output);
        var forms = declaration.States.Select(state => new StateForm(last[state.Name])).ToList();
        var ordered = StateOrder.Of(forms).ToEquatableArray();
        foreach (var form in ordered) CheckOwnReads(form.Update);
        return new NormalForm(ordered, output);
    }

    /// <summary>
    /// A state may look at itself only in the values written to it: what its decays and keys are made of must be known before it is.
    /// </summary>
    private static void CheckOwnReads(AffineState update)
    {
        var suspects = update.Decays.Select(decay => (Term: decay.Log ?? decay.Factor, Kind: "decay"))
            .Concat(update.Writes.Select(write => (Term: write.Key, Kind: "key")));
        foreach (var (term, kind) in suspects.Where(suspect => suspect.Term.Reads(update.State)))
            throw new DeclarationException(Rules.Feedback, term.Span, update.State, $"the {kind} {Text(term)} depends on the state itself");
        if (update.DecaysByElement && update.Writes.FirstOrDefault(write => write.Reads(update.State)) is { } feedback)
        {
            var matrix = update.Decays.First(decay => decay.Axis == DecayAxis.Elements).Factor;
            throw new DeclarationException(
                Rules.MatrixDecay, feedback.Value.Span, update.State, Text(matrix), "a write to it looks back at it");
        }
    }

    /// <summary>
    /// A new value without the old one in it: either nothing is carried on, or all that is carried has been looked up first.
    /// </summary>
    private static DeclarationException Replaced(StateUpdate update, Value value)
    {
        var values = value switch
        {
            Plain plain => [plain.Expr],
            Writes writes => writes.Terms.SelectMany(write => new[] { write.Key, write.Value }),
            _ => Enumerable.Empty<Expr>(),
        };
        if (!values.Any(term => term.Reads(update.State)))
            return new DeclarationException(Rules.StateForgotten, update.Value.Span, update.State);
        if (value is Plain { Expr: var term }) Feedback.Of(new Write(One, term), update.State);
        return new DeclarationException(
            Rules.Feedback, update.Value.Span, update.State,
            "the new value must have the state itself in it, decayed or as it is, beside what is added to it");
    }

    private abstract record Value;

    /// <summary>A function of the token's arguments and of reads.</summary>
    private sealed record Plain(Expr Expr) : Value;

    /// <summary>A state, decayed and written to.</summary>
    private sealed record State(AffineState Affine) : Value;

    /// <summary>A matrix made of outer products alone, on its way into a state.</summary>
    private sealed record Writes(EquatableArray<Write> Terms) : Value;

    private Value Evaluate(Expr expression) => expression switch
    {
        StateExpr state => states[(state.Name, state.Version)] is var affine && affine.IsLog && IsLookedAt(affine)
            ? new Plain(Look(affine, state))
            : new State(affine),
        OuterExpr outer => new Writes(EquatableArray<Write>.Empty.Add(Written(Token(outer.Rows), Token(outer.Columns)))),
        DotExpr dot => new Plain(Contract(dot)),
        UnaryExpr unary => Apply(unary),
        BinaryExpr { Operator: BinaryOperator.Add or BinaryOperator.Subtract } sum => Sum(sum),
        BinaryExpr { Operator: BinaryOperator.LogAddExp } sum => LogSum(sum),
        BinaryExpr product => Product(product),
        _ => new Plain(expression),
    };

    /// <summary>Evaluates where a value of the token is wanted. A vector state gives itself; a matrix state cannot.</summary>
    private Expr Token(Expr expression)
    {
        tokenDepth++;
        var value = Evaluate(expression);
        tokenDepth--;
        return value switch
        {
            Plain plain => plain.Expr,
            State { Affine: { IsVector: true } affine } => Look(affine, expression),
            State state => throw Nonlinear(state.Affine.State, expression),
            _ => throw new DeclarationException(
                Rules.Expression, expression.Span, $"the matrix {Text(expression)} outside a state and a Dot"),
        };
    }

    /// <summary>A vector state as a value of the token.</summary>
    private static ReadExpr Look(AffineState state, Expr source) => new(One, state, false, state.Type) { Span = source.Span };

    /// <summary>Whether a vector state stands for what it reads as here, and not for itself on the way to its new value.</summary>
    private bool IsLookedAt(AffineState state) => state.IsVector && (tokenDepth > 0 || state.State != target);

    private Value Apply(UnaryExpr unary) => Evaluate(unary.Operand) switch
    {
        Plain plain => new Plain(unary with { Operand = plain.Expr }),
        Writes writes when unary.Function == UnaryFunction.Negate =>
            new Writes(Scale(writes.Terms, new ConstantExpr(-1), DecayAxis.Whole)),
        State { Affine: { IsVector: true } affine } when unary.Function == UnaryFunction.Negate => Negated(affine, unary.Operand),
        State { Affine: { IsVector: true } affine } => new Plain(unary with { Operand = Look(affine, unary.Operand) }),
        State { Affine: var affine } when unary.Function == UnaryFunction.Negate =>
            throw new DeclarationException(Rules.Gate, unary.Span, affine.State, "-1"),
        State state => throw Nonlinear(state.Affine.State, unary),
        _ => throw new DeclarationException(Rules.Expression, unary.Span, "a function of a matrix outside a decay"),
    };

    private static Expr Times(Expr factor, Expr vector) =>
        new BinaryExpr(BinaryOperator.Multiply, factor, vector, vector.Type.Kind == TermKind.Scalar ? factor.Type : vector.Type)
        {
            Span = vector.Span,
        };

    private static DeclarationException Nonlinear(string state, Expr term) => new(Rules.Nonlinear, term.Span, state, Text(term));

    private static string Text(Expr term) => $"'{ExpressionText.Of(term)}'";
}
