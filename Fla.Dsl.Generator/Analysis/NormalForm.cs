using Fla.Dsl.Generator.Model;

namespace Fla.Dsl.Generator.Analysis;

/// <summary>What a decay scales by one factor: the whole state, each of its rows, each of its columns, or each of its elements.</summary>
internal enum DecayAxis
{
    Whole,
    Rows,
    Columns,
    Elements,
}

/// <summary>One factor on a state; <paramref name="Log"/> is its logarithm, null where it is not known to be positive.</summary>
internal sealed record Decay(DecayAxis Axis, Expr Factor, Expr? Log);

/// <summary>One term <c>Key Value^T</c> added to a state. For a vector state the key is the constant 1.</summary>
internal sealed record Write(Expr Key, Expr Value)
{
    public bool Reads(string state) => Key.Reads(state) || Value.Reads(state);
}

/// <summary>Another state, whole, as it is when it is added to a state.</summary>
internal sealed record Inflow(AffineState Source, RelativeSpan Span);

/// <summary>
/// A state somewhere in the token, as a function of how the token before left it: <c>decays * S + sum of writes + sum of inflows</c>.
/// Everything that may be done to a state keeps this form; what does not is not linear in the state. A state in log-space
/// (<paramref name="IsLog"/>) holds the logarithms of such a state, and its writes are the logarithms of what is added.
/// </summary>
internal sealed record AffineState(string State, TermType Type, bool IsLog, EquatableArray<Decay> Decays, EquatableArray<Write> Writes)
{
    /// <summary>Other states that are added to it.</summary>
    public EquatableArray<Inflow> Inflows { get; init; }

    /// <summary>A vector state is a matrix of one row.</summary>
    public bool IsVector => Type.Kind == TermKind.Vector;

    /// <summary>
    /// Whether it is a vector state with a factor for each element, or one of any sign, or that looks back at itself: its factors are
    /// multiplied up from token to token, see <see cref="ElementwiseUpdate"/>.
    /// </summary>
    public bool IsScanned => IsVector && !IsLog
        && (Decays.Any(decay => decay.Log is null || decay.Axis == DecayAxis.Columns) || Writes.Any(write => write.Reads(State)));

    /// <summary>Whether some decay has a factor for each element of a matrix.</summary>
    public bool DecaysByElement => Decays.Any(decay => decay.Axis == DecayAxis.Elements);
}

/// <summary>One state of the normal form: <see cref="AffineState.Decays"/> and <see cref="AffineState.Writes"/> of a whole token.</summary>
internal sealed record StateForm(AffineState Update)
{
    public string Name => Update.State;

    public TermType Type => Update.Type;

    /// <summary>Whether a write looks at this very state.</summary>
    public bool HasFeedback => Update.Writes.Any(write => write.Reads(Name));
}

/// <summary>
/// The recurrence normal form: the states in an order in which each is written from arguments, from reads of the states before it and
/// from linear reads of itself; and the output as a function of arguments and reads.
/// </summary>
internal sealed record NormalForm(EquatableArray<StateForm> States, Expr Output)
{
    public IEnumerable<ReadExpr> Reads => States.SelectMany(state => state.Update.Parts()).Append(Output)
        .SelectMany(Terms.SelfAndDescendants).OfType<ReadExpr>();
}

internal static class Terms
{
    public static IEnumerable<Expr> Children(this Expr expression) => expression switch
    {
        UnaryExpr unary => [unary.Operand],
        BinaryExpr binary => [binary.Left, binary.Right],
        OuterExpr outer => [outer.Rows, outer.Columns],
        DotExpr dot => [dot.Left, dot.Right],
        ReadExpr read => read.Snapshot.Parts().Prepend(read.Query),
        _ => [],
    };

    /// <summary>The terms that a state is made of, those of its inflows among them.</summary>
    public static IEnumerable<Expr> Parts(this AffineState state) => state.Decays.Select(decay => decay.Factor)
        .Concat(state.Writes.SelectMany(write => new[] { write.Key, write.Value }))
        .Concat(state.Inflows.SelectMany(inflow => inflow.Source.Parts()));

    /// <summary>Whether the state is made of another, itself or through what is read from it.</summary>
    public static bool Needs(this AffineState state, string other) =>
        state.Inflows.Any(inflow => inflow.Source.State == other || inflow.Source.Needs(other))
        || state.Parts().Any(part => part.Reads(other));

    public static IEnumerable<Expr> SelfAndDescendants(this Expr expression) =>
        expression.Children().SelectMany(SelfAndDescendants).Prepend(expression);

    /// <summary>Whether the term looks at the state, itself or through what it reads.</summary>
    public static bool Reads(this Expr expression, string state) =>
        expression.SelfAndDescendants().Any(term => term is ReadExpr { Snapshot: var snapshot }
            && (snapshot.State == state || snapshot.Inflows.Any(inflow => inflow.Source.State == state)));

    /// <summary>Whether a matrix is made of a state, and not only of what is read from one.</summary>
    public static bool HoldsMatrixState(this Expr expression) => expression switch
    {
        StateExpr state => state.Type.Kind == TermKind.Matrix,
        UnaryExpr unary => unary.Operand.HoldsMatrixState(),
        BinaryExpr binary => binary.Left.HoldsMatrixState() || binary.Right.HoldsMatrixState(),
        _ => false,
    };

    /// <summary>Whether the term is 1 where every per-token argument is 0, as it is in a chunk's padding.</summary>
    public static bool IsOneAtPadding(this Expr expression) => expression switch
    {
        ConstantExpr constant => constant.Value == 1,
        UnaryExpr { Function: UnaryFunction.Exp } exp => exp.Operand.VanishesAtPadding(),
        BinaryExpr { Operator: BinaryOperator.Add } sum =>
            (sum.Left.IsOneAtPadding() && sum.Right.VanishesAtPadding()) || (sum.Left.VanishesAtPadding() && sum.Right.IsOneAtPadding()),
        BinaryExpr { Operator: BinaryOperator.Subtract } difference =>
            difference.Left.IsOneAtPadding() && difference.Right.VanishesAtPadding(),
        BinaryExpr { Operator: BinaryOperator.Multiply or BinaryOperator.Divide } product =>
            product.Left.IsOneAtPadding() && product.Right.IsOneAtPadding(),
        _ => false,
    };

    /// <summary>Whether the term is 0 where every per-token argument is 0, as it is in a chunk's padding.</summary>
    public static bool VanishesAtPadding(this Expr expression) => expression switch
    {
        ConstantExpr constant => constant.Value == 0,
        ArgumentExpr argument => argument.Role == ParameterRole.Token,
        UnaryExpr unary => unary.Function is UnaryFunction.Negate or UnaryFunction.Square or UnaryFunction.Tanh
            or UnaryFunction.Relu or UnaryFunction.Silu or UnaryFunction.Sum && unary.Operand.VanishesAtPadding(),
        BinaryExpr { Operator: BinaryOperator.Multiply } product => product.Left.VanishesAtPadding() || product.Right.VanishesAtPadding(),
        BinaryExpr { Operator: BinaryOperator.Divide } quotient => quotient.Left.VanishesAtPadding(),
        BinaryExpr { Operator: BinaryOperator.Add or BinaryOperator.Subtract } sum =>
            sum.Left.VanishesAtPadding() && sum.Right.VanishesAtPadding(),
        DotExpr dot => dot.Left.VanishesAtPadding() || dot.Right.VanishesAtPadding(),
        ReadExpr read => read.Query.VanishesAtPadding(),
        _ => false,
    };
}
