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
                State { Affine: { IsVector: false } other } => throw new DeclarationException(Rules.Feedback, update.Value.Span, update.State, $"it takes over the state '{other.State}' whole"),
                var replaced => throw Replaced(update, replaced),
            };
        }

        target = null;
        var output = Token(declaration.Output);
        var forms = declaration.States.Select(state => new StateForm(last[state.Name])).ToList();
        var ordered = InOrder(forms).ToEquatableArray();
        foreach (var form in ordered) CheckOwnReads(form.Update);
        return new NormalForm(ordered, output);
    }

    /// <summary>A state may look at itself only in the values written to it: what its decays and keys are made of must be known before it is.</summary>
    private static void CheckOwnReads(AffineState update)
    {
        var suspects = update.Decays.Select(decay => (Term: decay.Log ?? decay.Factor, Kind: "decay")).Concat(update.Writes.Select(write => (Term: write.Key, Kind: "key")));
        foreach (var (term, kind) in suspects.Where(suspect => suspect.Term.Reads(update.State)))
            throw new DeclarationException(Rules.Feedback, term.Span, update.State, $"the {kind} {Text(term)} depends on the state itself");
        if (update.DecaysByElement && update.Writes.FirstOrDefault(write => write.Reads(update.State)) is { } feedback)
        {
            var matrix = update.Decays.First(decay => decay.Axis == DecayAxis.Elements).Factor;
            throw new DeclarationException(Rules.MatrixDecay, feedback.Value.Span, update.State, Text(matrix), "a write to it looks back at it");
        }
    }

    /// <summary>A new value without the old one in it: either nothing is carried on, or all that is carried has been looked up first.</summary>
    private static DeclarationException Replaced(StateUpdate update, Value value)
    {
        var values = value switch
        {
            Plain plain => [plain.Expr],
            Writes writes => writes.Terms.SelectMany(write => new[] { write.Key, write.Value }),
            _ => Enumerable.Empty<Expr>(),
        };
        if (!values.Any(term => term.Reads(update.State))) return new DeclarationException(Rules.StateForgotten, update.Value.Span, update.State);
        if (value is Plain { Expr: var term }) Feedback.Of(new Write(One, term), update.State);
        return new DeclarationException(Rules.Feedback, update.Value.Span, update.State, "the new value must have the state itself in it, decayed or as it is, beside what is added to it");
    }

    /// <summary>Orders states so that each is written from reads of earlier ones; itself it may read linearly.</summary>
    private static IEnumerable<StateForm> InOrder(List<StateForm> forms)
    {
        var waiting = forms.ToList();
        while (waiting.Count > 0)
        {
            var next = waiting.FirstOrDefault(form => !waiting.Any(other => other != form && form.Update.Needs(other.Name)))
                ?? throw Coupled(waiting);
            waiting.Remove(next);
            yield return next;
        }

        // Each of them needs another: following the needs leads round in a circle.
        static DeclarationException Coupled(List<StateForm> waiting)
        {
            var path = new List<StateForm> { waiting[0] };
            while (true)
            {
                var next = waiting.First(other => other != path[path.Count - 1] && path[path.Count - 1].Update.Needs(other.Name));
                if (path.IndexOf(next) is var start and >= 0)
                {
                    var circle = path.Skip(start).ToList();
                    var need = circle[0].Update.Parts().FirstOrDefault(part => part.Reads(circle[1].Name))?.Span ?? circle[0].Update.Inflows[0].Span;
                    return new DeclarationException(Rules.Coupled, need, string.Join(" and ", circle.Select(form => $"'{form.Name}'")));
                }

                path.Add(next);
            }
        }
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
        StateExpr state => states[(state.Name, state.Version)] is var affine && affine.IsLog && IsLookedAt(affine) ? new Plain(Look(affine, state)) : new State(affine),
        OuterExpr outer => new Writes(EquatableArray<Write>.Empty.Add(new Write(Token(outer.Rows), Token(outer.Columns)))),
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
            _ => throw new DeclarationException(Rules.Expression, expression.Span, $"the matrix {Text(expression)} outside a state and a Dot"),
        };
    }

    /// <summary>A vector state as a value of the token.</summary>
    private static ReadExpr Look(AffineState state, Expr source) => new(One, state, false, state.Type) { Span = source.Span };

    /// <summary>Whether a vector state stands for what it reads as here, and not for itself on the way to its new value.</summary>
    private bool IsLookedAt(AffineState state) => state.IsVector && (tokenDepth > 0 || state.State != target);

    private Value Apply(UnaryExpr unary) => Evaluate(unary.Operand) switch
    {
        Plain plain => new Plain(unary with { Operand = plain.Expr }),
        Writes writes when unary.Function == UnaryFunction.Negate => new Writes(Scale(writes.Terms, new ConstantExpr(-1), DecayAxis.Whole)),
        State { Affine: { IsVector: true } affine } when unary.Function == UnaryFunction.Negate => Negated(affine, unary.Operand),
        State { Affine: { IsVector: true } affine } => new Plain(unary with { Operand = Look(affine, unary.Operand) }),
        State { Affine: var affine } when unary.Function == UnaryFunction.Negate => throw new DeclarationException(Rules.Gate, unary.Span, affine.State, "-1"),
        State state => throw Nonlinear(state.Affine.State, unary),
        _ => throw new DeclarationException(Rules.Expression, unary.Span, "a function of a matrix outside a decay"),
    };

    /// <summary>A Dot with a state is a read; with outer products it is taken apart; otherwise it is a plain contraction.</summary>
    private Expr Contract(DotExpr dot)
    {
        var byColumns = dot.Left.Type.Kind == TermKind.Matrix;
        var (query, matrix) = byColumns ? (dot.Right, dot.Left) : (dot.Left, dot.Right);
        return matrix.Type.Kind == TermKind.Matrix ? Contract(dot, Token(query), matrix, byColumns) : Product(dot);
    }

    /// <summary>An inner product with a vector state is a read by columns of a matrix of one row: the state's own tokens meet the query.</summary>
    private Expr Product(DotExpr dot)
    {
        tokenDepth++;
        var (left, right) = (Evaluate(dot.Left), Evaluate(dot.Right));
        tokenDepth--;
        return (right as State ?? left as State) is { } state
            ? new ReadExpr(ReferenceEquals(state, right) ? Token(dot.Left) : Token(dot.Right), state.Affine, true, TermType.Scalar) { Span = dot.Span }
            : dot with { Left = ((Plain)left).Expr, Right = ((Plain)right).Expr };
    }

    /// <summary>A Dot is linear in its matrix: what is not one state with its decays and writes is taken apart.</summary>
    private Expr Contract(DotExpr dot, Expr query, Expr matrix, bool byColumns)
    {
        Expr Combined(BinaryOperator operation, Expr left, Expr right) => new BinaryExpr(operation, left, right, dot.Type) { Span = dot.Span };
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
            Writes writes => writes.Terms.Select(write => Reading.OwnTerm(query, write, byColumns, dot.Type)).Aggregate((a, b) => Combined(BinaryOperator.Add, a, b)) with { Span = dot.Span },
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
        BinaryExpr { Operator: BinaryOperator.Add } sum when sum.Left.HoldsMatrixState() != sum.Right.HoldsMatrixState() => IsSeveral(sum.Left) || IsSeveral(sum.Right),
        BinaryExpr { Operator: BinaryOperator.Subtract } difference when !difference.Right.HoldsMatrixState() => IsSeveral(difference.Left),
        BinaryExpr { Operator: BinaryOperator.Multiply, Left.Type.Kind: not TermKind.Matrix } product => IsSeveral(product.Right) || Logarithm(Token(product.Left)) is null,
        BinaryExpr { Operator: BinaryOperator.Multiply or BinaryOperator.Divide, Right.Type.Kind: not TermKind.Matrix } product => IsSeveral(product.Left) || Logarithm(Token(product.Right)) is null,
        _ => true,
    };

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
                return IsLookedAt(a.Affine) ? Added(b.Affine, new Plain(Look(a.Affine, sum.Left)), sum.Left) : Added(a.Affine, new Plain(Look(b.Affine, sum.Right)), sum.Right);
            case (State a, State b) when target is not null && (a.Affine.State == target) != (b.Affine.State == target):
                return a.Affine.State == target ? Joined(a.Affine, b.Affine, sum.Right) : Joined(b.Affine, a.Affine, sum.Left);
            case (State a, State b):
                throw new DeclarationException(Rules.Feedback, sum.Span, target ?? a.Affine.State, $"the sum {Text(sum)} of states is not one state with what is added to it");
            case (State a, Plain b) when IsLookedAt(a.Affine):
                return new Plain(sum with { Operator = BinaryOperator.Add, Left = Look(a.Affine, sum.Left), Right = b.Expr });
            case (Plain a, State b) when IsLookedAt(b.Affine):
                return new Plain(sum with { Operator = BinaryOperator.Add, Left = a.Expr, Right = Look(b.Affine, sum.Right) });
            case (State a, _):
                return Added(a.Affine, right, sum.Right);
            case (_, State b):
                return Added(b.Affine, left, sum.Left);
            default:
                throw new DeclarationException(Rules.Expression, sum.Span, $"{Text(sum)}, a sum of outer products and another matrix,");
        }
    }

    /// <summary>What is added to a state in log-space on its way to its new value is the logarithm of a decay.</summary>
    private State Shifted(AffineState state, BinaryExpr sum, Expr addend)
    {
        var log = Token(addend);
        if (sum.Operator == BinaryOperator.Subtract) log = new UnaryExpr(UnaryFunction.Negate, log, log.Type) { Span = log.Span };
        if (log.Reads(state.State) || (sum.Operator == BinaryOperator.Subtract && addend == sum.Left)) throw Nonlinear(state.State, sum);
        var axis = log.Type.Kind == TermKind.Scalar ? DecayAxis.Whole : DecayAxis.Columns;
        var writes = state.Writes.Select(write => write with { Value = new BinaryExpr(BinaryOperator.Add, write.Value, log, state.Type) { Span = write.Value.Span } });
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
        if ((left as State ?? right as State) is not { Affine: { IsLog: true } state } target) return new Plain(sum with { Left = Token(sum.Left), Right = Token(sum.Right) });
        var added = Token(ReferenceEquals(target, left) ? sum.Right : sum.Left);
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
        : Decayed(state, new ConstantExpr(-1), DecayAxis.Whole, new BinaryExpr(BinaryOperator.Multiply, new ConstantExpr(-1), source, state.Type));

    /// <summary>Another matrix state added whole.</summary>
    private static State Joined(AffineState state, AffineState other, Expr source) =>
        new(state with { Inflows = state.Inflows.Add(new Inflow(other, source.Span)) });

    private static State Added(AffineState state, Value addend, Expr source) => addend switch
    {
        Writes writes => new State(state with { Writes = state.Writes.Concat(writes.Terms).ToEquatableArray() }),
        Plain plain when state.IsVector => new State(state with { Writes = state.Writes.Add(new Write(One, Broadcast(plain.Expr, state.Type))) }),
        _ => throw new DeclarationException(Rules.Expression, source.Span, $"{Text(source)}, a matrix that is not an outer product, added to the state '{state.State}',"),
    };

    /// <summary>A scalar added to a vector state goes to each of its elements.</summary>
    private static Expr Broadcast(Expr expression, TermType type) =>
        expression.Type == type ? expression : new BinaryExpr(BinaryOperator.Multiply, expression, One, type) { Span = expression.Span };

    private Value Product(BinaryExpr product)
    {
        var left = Evaluate(product.Left);
        var right = Evaluate(product.Right);
        if ((left as State ?? right as State) is { Affine: { IsLog: true } logarithms }) throw Nonlinear(logarithms.State, product);
        switch (left, right)
        {
            case (Plain a, Plain b):
                return new Plain(product with { Left = a.Expr, Right = b.Expr });
            case (Plain factor, State state) when product.Operator == BinaryOperator.Multiply:
                return Decayed(state.Affine, factor.Expr, AxisOf(state.Affine, factor.Expr, onTheLeft: true, product), product);
            case (State state, Plain factor) when product.Operator == BinaryOperator.Multiply:
                return Decayed(state.Affine, factor.Expr, AxisOf(state.Affine, factor.Expr, onTheLeft: false, product), product);
            case (Plain { Expr.Type.Kind: not TermKind.Matrix } factor, Writes writes) when product.Operator == BinaryOperator.Multiply:
                return new Writes(Scale(writes.Terms, factor.Expr, AxisOf(factor.Expr, onTheLeft: true)));
            case (Writes writes, Plain { Expr.Type.Kind: not TermKind.Matrix } factor) when product.Operator == BinaryOperator.Multiply:
                return new Writes(Scale(writes.Terms, factor.Expr, AxisOf(factor.Expr, onTheLeft: false)));
            case (Writes writes, Plain divisor) when divisor.Expr.Type.Kind == TermKind.Scalar:
                return new Writes(Scale(writes.Terms, new BinaryExpr(BinaryOperator.Divide, One, divisor.Expr, TermType.Scalar), DecayAxis.Whole));
            case (State state, Plain divisor) when divisor.Expr.Type.Kind == TermKind.Scalar:
                return Decayed(state.Affine, new BinaryExpr(BinaryOperator.Divide, One, divisor.Expr, TermType.Scalar) { Span = product.Right.Span }, DecayAxis.Whole, product);
            default:
                if ((left as State ?? right as State) is not { } used) throw new DeclarationException(Rules.Expression, product.Span, $"{Text(product)}, a product of matrices,");
                if (!used.Affine.IsVector) throw Nonlinear(used.Affine.State, product);
                return new Plain(product with { Left = Token(product.Left), Right = Token(product.Right) });
        }
    }

    private static DecayAxis AxisOf(Expr factor, bool onTheLeft) =>
        factor.Type.Kind == TermKind.Scalar ? DecayAxis.Whole : onTheLeft ? DecayAxis.Rows : DecayAxis.Columns;

    private static DecayAxis AxisOf(AffineState state, Expr factor, bool onTheLeft, BinaryExpr product)
    {
        if (factor.Type.Kind == TermKind.Matrix)
        {
            return state.Writes.Count + state.Inflows.Count == 0
                ? DecayAxis.Elements
                : throw new DeclarationException(Rules.MatrixDecay, product.Span, state.State, Text(factor), "it decays what the same token has written");
        }

        return state.IsVector && factor.Type.Kind == TermKind.Vector ? DecayAxis.Columns : AxisOf(factor, onTheLeft);
    }

    /// <summary>A positive factor on a state is a decay; what was written before it in the same token is scaled by it.</summary>
    private Value Decayed(AffineState state, Expr factor, DecayAxis axis, BinaryExpr product)
    {
        var log = Logarithm(factor);
        if (log is not null && (state.State != target || !log.Reads(state.State)))
            return new State(Decayed(state, new Decay(axis, factor, log)));

        // A vector state's factors can be multiplied up, whatever their signs.
        if (state.IsVector && !IsLookedAt(state) && !factor.Reads(state.State)) return new State(Decayed(state, new Decay(axis, factor, null)));

        // Where it is looked at, a vector state may be multiplied by anything.
        if (IsLookedAt(state)) return new Plain(product with { Left = Token(product.Left), Right = Token(product.Right) });
        throw factor.Reads(state.State) ? Nonlinear(state.State, product) : new DeclarationException(Rules.Gate, product.Span, state.State, Text(factor));
    }

    private static AffineState Decayed(AffineState state, Decay decay) => state with
    {
        Decays = state.Decays.Add(decay),
        Writes = Scale(state.Writes, decay.Factor, decay.Axis),
        Inflows = state.Inflows.Select(inflow => inflow with { Source = Decayed(inflow.Source, decay) }).ToEquatableArray(),
    };

    /// <summary>The logarithm of a factor known to be positive, or null.</summary>
    private Expr? Logarithm(Expr factor) => factor switch
    {
        UnaryExpr { Function: UnaryFunction.Exp } exp => exp.Operand,
        UnaryExpr { Function: UnaryFunction.Sigmoid } sigmoid => sigmoid with { Function = UnaryFunction.LogSigmoid },
        ArgumentExpr { Role: ParameterRole.PerHead } constant when !declaration.Parameters.Single(parameter => parameter.Name == constant.Name).IsLogDecay => new UnaryExpr(UnaryFunction.Log, constant, constant.Type) { Span = constant.Span },
        ConstantExpr { Value: > 0 } constant => new ConstantExpr(Math.Log(constant.Value)),
        BinaryExpr { Operator: BinaryOperator.Divide, Left: ConstantExpr { Value: 1 } } inverse when Logarithm(inverse.Right) is { } divisor =>
            new UnaryExpr(UnaryFunction.Negate, divisor, divisor.Type) { Span = inverse.Span },
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
