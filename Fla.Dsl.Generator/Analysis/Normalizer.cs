using Fla.Dsl.Generator.Diagnostics;
using Fla.Dsl.Generator.Model;

namespace Fla.Dsl.Generator.Analysis;

/// <summary>
/// Brings a declaration into the recurrence normal form by walking its terms once with symbolic states: each state is kept as
/// <see cref="AffineState"/>, and looking at one leaves a <see cref="ReadExpr"/> in the term that looks.
/// </summary>
internal sealed class Normalizer
{
    private static readonly ConstantExpr One = new(1);

    private readonly Dictionary<(string State, int Version), AffineState> states = [];

    /// <summary>How many terms around the one at hand want a value of the token and not a state.</summary>
    private int tokenDepth;

    public static NormalForm Normalize(Declaration declaration) => new Normalizer().Run(declaration);

    private NormalForm Run(Declaration declaration)
    {
        var last = new Dictionary<string, AffineState>();
        foreach (var state in declaration.States)
            states[(state.Name, 0)] = new AffineState(state.Name, state.Type, default, default);
        foreach (var update in declaration.Updates)
        {
            states[(update.State, update.Version)] = last[update.State] = Evaluate(update.Value) switch
            {
                State { Affine: var affine } when affine.State == update.State => affine,
                State { Affine: var other } => throw new DeclarationException(Rules.Feedback, update.Value.Span, update.State, $"it takes over the state '{other.State}' whole"),
                Plain plain when plain.Expr.Reads(update.State) => throw Nonlinear(update.State, update.Value),
                _ => throw new DeclarationException(Rules.StateForgotten, update.Value.Span, update.State),
            };
        }

        var output = Token(declaration.Output);
        var forms = declaration.States.Select(state => new StateForm(last[state.Name])).ToList();
        var ordered = InOrder(forms).ToEquatableArray();
        foreach (var form in ordered) CheckOwnReads(form.Update);
        return new NormalForm(ordered, output);
    }

    /// <summary>A state may look at itself only in the values written to it: what its decays and keys are made of must be known before it is.</summary>
    private static void CheckOwnReads(AffineState update)
    {
        var suspects = update.Decays.Select(decay => (Term: decay.Log, Kind: "decay")).Concat(update.Writes.Select(write => (Term: write.Key, Kind: "key")));
        foreach (var (term, kind) in suspects.Where(suspect => suspect.Term.Reads(update.State)))
            throw new DeclarationException(Rules.Feedback, term.Span, update.State, $"the {kind} {Text(term)} depends on the state itself");
    }

    /// <summary>Orders states so that each is written from reads of earlier ones; itself it may read linearly.</summary>
    private static IEnumerable<StateForm> InOrder(List<StateForm> forms)
    {
        var waiting = forms.ToList();
        while (waiting.Count > 0)
        {
            var next = waiting.FirstOrDefault(form => !ReadsOfOthers(form).Any())
                ?? throw new DeclarationException(Rules.Coupled, ReadsOfOthers(waiting[0]).First().Span, string.Join(" and ", waiting.Select(form => $"'{form.Name}'")));
            waiting.Remove(next);
            yield return next;
        }

        // The terms of a state that look at others which are still waiting.
        IEnumerable<Expr> ReadsOfOthers(StateForm form) => form.Update.Writes.SelectMany(write => new[] { write.Key, write.Value })
            .Concat(form.Update.Decays.Select(decay => decay.Log))
            .Where(term => waiting.Any(other => other != form && term.Reads(other.Name)));
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
        StateExpr state => new State(states[(state.Name, state.Version)]),
        OuterExpr outer => new Writes(EquatableArray<Write>.Empty.Add(new Write(Token(outer.Rows), Token(outer.Columns)))),
        DotExpr dot => new Plain(Contract(dot)),
        UnaryExpr unary => Apply(unary),
        BinaryExpr { Operator: BinaryOperator.Add or BinaryOperator.Subtract } sum => Sum(sum),
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
            State { Affine: { IsVector: true } affine } => new ReadExpr(One, affine, false, affine.Type) { Span = expression.Span },
            State state => throw Nonlinear(state.Affine.State, expression),
            _ => throw new DeclarationException(Rules.Expression, expression.Span, "a matrix outside a state"),
        };
    }

    private Value Apply(UnaryExpr unary) => Evaluate(unary.Operand) switch
    {
        Plain plain => new Plain(unary with { Operand = plain.Expr }),
        Writes writes when unary.Function == UnaryFunction.Negate => new Writes(Scale(writes.Terms, new ConstantExpr(-1), DecayAxis.Whole)),
        State { Affine.IsVector: true } => new Plain(unary with { Operand = Token(unary.Operand) }),
        State state => throw Nonlinear(state.Affine.State, unary),
        _ => throw new DeclarationException(Rules.Expression, unary.Span, "a function of a matrix outside a decay"),
    };

    /// <summary>A Dot with a state is a read; with outer products it is taken apart; otherwise it is a plain contraction.</summary>
    private Expr Contract(DotExpr dot)
    {
        var byColumns = dot.Left.Type.Kind == TermKind.Matrix;
        var (query, matrix) = byColumns ? (dot.Right, dot.Left) : (dot.Left, dot.Right);
        if (matrix.Type.Kind != TermKind.Matrix) return dot with { Left = Token(dot.Left), Right = Token(dot.Right) };
        return Evaluate(matrix) switch
        {
            State state => new ReadExpr(Token(query), state.Affine, byColumns, dot.Type) { Span = dot.Span },
            Writes writes => writes.Terms.Select(write => Reading.OwnTerm(Token(query), write, byColumns, dot.Type)).Aggregate((a, b) => new BinaryExpr(BinaryOperator.Add, a, b, dot.Type)),
            Plain plain => byColumns ? dot with { Left = plain.Expr, Right = Token(query) } : dot with { Left = Token(query), Right = plain.Expr },
            _ => throw new InvalidOperationException("A matrix is a state, outer products or an argument."),
        };
    }

    private Value Sum(BinaryExpr sum)
    {
        var left = Evaluate(sum.Left);
        var right = Evaluate(sum.Right);
        if (sum.Operator == BinaryOperator.Subtract) right = Negated(right, sum.Right);
        switch (left, right)
        {
            case (Plain a, Plain b):
                return new Plain(sum with { Operator = BinaryOperator.Add, Left = a.Expr, Right = b.Expr });
            case (Writes a, Writes b):
                return new Writes(a.Terms.Concat(b.Terms).ToEquatableArray());
            case (State a, State b):
                throw Nonlinear(a.Affine.State, sum);
            case (State a, _):
                return Added(a.Affine, right, sum.Right);
            case (_, State b):
                return Added(b.Affine, left, sum.Left);
            default:
                throw new DeclarationException(Rules.Expression, sum.Span, "a sum of outer products and another matrix");
        }
    }

    private Value Negated(Value value, Expr source) => value switch
    {
        Plain plain => new Plain(new UnaryExpr(UnaryFunction.Negate, plain.Expr, plain.Expr.Type) { Span = source.Span }),
        Writes writes => new Writes(Scale(writes.Terms, new ConstantExpr(-1), DecayAxis.Whole)),
        State { Affine: { IsVector: true } affine } => new Plain(new UnaryExpr(UnaryFunction.Negate, new ReadExpr(One, affine, false, affine.Type), affine.Type) { Span = source.Span }),
        _ => throw new DeclarationException(Rules.Gate, source.Span, ((State)value).Affine.State, "-1"),
    };

    private static State Added(AffineState state, Value addend, Expr source) => addend switch
    {
        Writes writes => new State(state with { Writes = state.Writes.Concat(writes.Terms).ToEquatableArray() }),
        Plain plain when state.IsVector => new State(state with { Writes = state.Writes.Add(new Write(One, Broadcast(plain.Expr, state.Type))) }),
        _ => throw new DeclarationException(Rules.Expression, source.Span, "a matrix that is not an outer product, added to a state"),
    };

    /// <summary>A scalar added to a vector state goes to each of its elements.</summary>
    private static Expr Broadcast(Expr expression, TermType type) =>
        expression.Type == type ? expression : new BinaryExpr(BinaryOperator.Multiply, expression, One, type) { Span = expression.Span };

    private Value Product(BinaryExpr product)
    {
        var left = Evaluate(product.Left);
        var right = Evaluate(product.Right);
        switch (left, right)
        {
            case (Plain a, Plain b):
                return new Plain(product with { Left = a.Expr, Right = b.Expr });
            case (Plain factor, State state) when product.Operator == BinaryOperator.Multiply:
                return Decayed(state.Affine, factor.Expr, AxisOf(state.Affine, factor.Expr, onTheLeft: true, product), product);
            case (State state, Plain factor) when product.Operator == BinaryOperator.Multiply:
                return Decayed(state.Affine, factor.Expr, AxisOf(state.Affine, factor.Expr, onTheLeft: false, product), product);
            case (Plain factor, Writes writes) when product.Operator == BinaryOperator.Multiply:
                return new Writes(Scale(writes.Terms, factor.Expr, AxisOf(factor.Expr, onTheLeft: true)));
            case (Writes writes, Plain factor) when product.Operator == BinaryOperator.Multiply:
                return new Writes(Scale(writes.Terms, factor.Expr, AxisOf(factor.Expr, onTheLeft: false)));
            case (Writes writes, Plain divisor) when divisor.Expr.Type.Kind == TermKind.Scalar:
                return new Writes(Scale(writes.Terms, new BinaryExpr(BinaryOperator.Divide, One, divisor.Expr, TermType.Scalar), DecayAxis.Whole));
            default:
                if ((left as State ?? right as State) is not { } used) throw new DeclarationException(Rules.Expression, product.Span, "a product of matrices");
                if (!used.Affine.IsVector || (left, right) is (State, State)) throw Nonlinear(used.Affine.State, product);
                return new Plain(product with { Left = Token(product.Left), Right = Token(product.Right) });
        }
    }

    private static DecayAxis AxisOf(Expr factor, bool onTheLeft) =>
        factor.Type.Kind == TermKind.Scalar ? DecayAxis.Whole : onTheLeft ? DecayAxis.Rows : DecayAxis.Columns;

    private static DecayAxis AxisOf(AffineState state, Expr factor, bool onTheLeft, BinaryExpr product)
    {
        if (factor.Type.Kind == TermKind.Matrix) throw new DeclarationException(Rules.MatrixDecay, product.Span, state.State, Text(factor));
        return state.IsVector && factor.Type.Kind == TermKind.Vector ? DecayAxis.Columns : AxisOf(factor, onTheLeft);
    }

    /// <summary>A positive factor on a state is a decay; what was written before it in the same token is scaled by it.</summary>
    private Value Decayed(AffineState state, Expr factor, DecayAxis axis, BinaryExpr product)
    {
        if (Logarithm(factor) is { } log)
        {
            return new State(state with { Decays = state.Decays.Add(new Decay(axis, log)), Writes = Scale(state.Writes, factor, axis) });
        }

        // Where a value of the token is wanted, a vector state stands for what it reads as, and may be multiplied by anything.
        if (state.IsVector && tokenDepth > 0) return new Plain(product with { Left = Token(product.Left), Right = Token(product.Right) });
        throw new DeclarationException(Rules.Gate, product.Span, state.State, Text(factor));
    }

    /// <summary>The logarithm of a factor known to be positive, or null.</summary>
    private static Expr? Logarithm(Expr factor) => factor switch
    {
        UnaryExpr { Function: UnaryFunction.Exp } exp => exp.Operand,
        UnaryExpr { Function: UnaryFunction.Sigmoid } sigmoid => sigmoid with { Function = UnaryFunction.LogSigmoid },
        ArgumentExpr { Role: ParameterRole.PerHead } constant => new UnaryExpr(UnaryFunction.Log, constant, constant.Type) { Span = constant.Span },
        ConstantExpr { Value: > 0 } constant => new ConstantExpr(Math.Log(constant.Value)),
        BinaryExpr { Operator: BinaryOperator.Multiply } product when Logarithm(product.Left) is { } left && Logarithm(product.Right) is { } right =>
            new BinaryExpr(BinaryOperator.Add, left, right, product.Type) { Span = product.Span },
        _ => null,
    };

    private static EquatableArray<Write> Scale(EquatableArray<Write> writes, Expr factor, DecayAxis axis) => writes.Select(write => axis switch
    {
        DecayAxis.Rows => write with { Key = Times(factor, write.Key) },
        _ => write with { Value = Times(factor, write.Value) },
    }).ToEquatableArray();

    private static Expr Times(Expr factor, Expr vector) =>
        new BinaryExpr(BinaryOperator.Multiply, factor, vector, vector.Type.Kind == TermKind.Scalar ? factor.Type : vector.Type) { Span = vector.Span };

    private static DeclarationException Nonlinear(string state, Expr term) => new(Rules.Nonlinear, term.Span, state, Text(term));

    private static string Text(Expr term) => $"'{ExpressionText.Of(term)}'";
}
