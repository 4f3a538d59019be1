using Fla.Dsl.Generator.Diagnostics;
using Fla.Dsl.Generator.Model;

namespace Fla.Dsl.Generator.Analysis;

/// <content>Products: what a state is decayed by, and what scales a write.</content>
internal sealed partial class Normalizer
{
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
                return new Writes(Scale(writes.Terms, Inverse(divisor.Expr), DecayAxis.Whole));
            case (State state, Plain divisor) when divisor.Expr.Type.Kind == TermKind.Scalar:
                return Decayed(state.Affine, Inverse(divisor.Expr) with { Span = product.Right.Span }, DecayAxis.Whole, product);
            default:
                if ((left as State ?? right as State) is not { } used)
                    throw new DeclarationException(Rules.Expression, product.Span, $"{Text(product)}, a product of matrices,");
                if (!used.Affine.IsVector) throw Nonlinear(used.Affine.State, product);
                return new Plain(product with { Left = Token(product.Left), Right = Token(product.Right) });
        }
    }

    /// <summary>
    /// An outer product. A value that looks back takes the numbers that scale its key: the value is solved for in any case, and the key
    /// stays what came.
    /// </summary>
    private static Write Written(Expr key, Expr value)
    {
        static bool Looks(Expr term) => term.SelfAndDescendants().Any(part => part is ReadExpr);
        static bool IsNumber(Expr term) => term.Type.Kind == TermKind.Scalar && !Looks(term);
        while (Looks(value) && key is BinaryExpr { Operator: BinaryOperator.Multiply } product && (IsNumber(product.Left) || IsNumber(product.Right)))
        {
            var (number, rest) = IsNumber(product.Left) ? (product.Left, product.Right) : (product.Right, product.Left);
            (key, value) = (rest, Times(number, value));
        }

        return new Write(key, value);
    }

    private static BinaryExpr Inverse(Expr divisor) => new(BinaryOperator.Divide, One, divisor, TermType.Scalar);

    private static DecayAxis AxisOf(Expr factor, bool onTheLeft) =>
        factor.Type.Kind == TermKind.Scalar ? DecayAxis.Whole : onTheLeft ? DecayAxis.Rows : DecayAxis.Columns;

    private static DecayAxis AxisOf(AffineState state, Expr factor, bool onTheLeft, BinaryExpr product)
    {
        if (factor.Type.Kind == TermKind.Matrix)
        {
            return state.Writes.Count + state.Inflows.Count == 0
                ? DecayAxis.Elements
                : throw new DeclarationException(
                    Rules.MatrixDecay, product.Span, state.State, Text(factor), "it decays what the same token has written");
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
        if (state.IsVector && !IsLookedAt(state) && !factor.Reads(state.State))
            return new State(Decayed(state, new Decay(axis, factor, null)));

        // Where it is looked at, a vector state may be multiplied by anything.
        if (IsLookedAt(state)) return new Plain(product with { Left = Token(product.Left), Right = Token(product.Right) });
        throw factor.Reads(state.State)
            ? Nonlinear(state.State, product)
            : new DeclarationException(Rules.Gate, product.Span, state.State, Text(factor));
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
        ArgumentExpr { Role: ParameterRole.PerHead } constant when !IsLogDecay(constant) =>
            new UnaryExpr(UnaryFunction.Log, constant, constant.Type) { Span = constant.Span },
        ConstantExpr { Value: > 0 } constant => new ConstantExpr(Math.Log(constant.Value)),
        BinaryExpr { Operator: BinaryOperator.Divide, Left: ConstantExpr { Value: 1 } } inverse
            when Logarithm(inverse.Right) is { } divisor =>
            new UnaryExpr(UnaryFunction.Negate, divisor, divisor.Type) { Span = inverse.Span },
        BinaryExpr { Operator: BinaryOperator.Multiply } product
            when Logarithm(product.Left) is { } left && Logarithm(product.Right) is { } right =>
            new BinaryExpr(BinaryOperator.Add, left, right, product.Type) { Span = product.Span },
        _ => null,
    };

    private bool IsLogDecay(ArgumentExpr argument) =>
        declaration.Parameters.Single(parameter => parameter.Name == argument.Name).IsLogDecay;

    private static EquatableArray<Write> Scale(EquatableArray<Write> writes, Expr factor, DecayAxis axis) => writes
        .Select(write => axis switch
        {
            DecayAxis.Rows => write with { Key = Times(factor, write.Key) },
            _ => write with { Value = Times(factor, write.Value) },
        })
        .ToEquatableArray();
}
