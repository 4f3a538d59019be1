using Fla.Dsl.Numerics;

namespace Fla.Dsl;

/// <summary>
/// The functions of the language, for <c>using static Fla.Dsl.Recurrences</c>. Each throws an <see cref="InvalidOperationException"/> when
/// an operand was never assigned, and an <see cref="ArgumentException"/> when the sizes of two operands differ.
/// </summary>
public static partial class Recurrences
{
    /// <summary>The exponential. Of a log-decay, it is the decay.</summary>
    public static Scalar Exp(Scalar x) => new(Elementwise.Exp(x.Value));

    /// <inheritdoc cref="Exp(Scalar)"/>
    public static Vec<D> Exp<D>(Vec<D> x) where D : IDimension => new(Elementwise.Exp(x.Value));

    /// <inheritdoc cref="Exp(Scalar)"/>
    public static Mat<R, C> Exp<R, C>(Mat<R, C> x) where R : IDimension where C : IDimension => new(Elementwise.Exp(x.Value));

    /// <summary>The natural logarithm.</summary>
    public static Scalar Log(Scalar x) => new(Elementwise.Log(x.Value));

    /// <inheritdoc cref="Log(Scalar)"/>
    public static Vec<D> Log<D>(Vec<D> x) where D : IDimension => new(Elementwise.Log(x.Value));

    /// <summary>The square root.</summary>
    public static Scalar Sqrt(Scalar x) => new(Elementwise.Sqrt(x.Value));

    /// <inheritdoc cref="Sqrt(Scalar)"/>
    public static Vec<D> Sqrt<D>(Vec<D> x) where D : IDimension => new(Elementwise.Sqrt(x.Value));

    /// <summary>The square <c>x^2</c>.</summary>
    public static Scalar Square(Scalar x) => new(Elementwise.Square(x.Value));

    /// <inheritdoc cref="Square(Scalar)"/>
    public static Vec<D> Square<D>(Vec<D> x) where D : IDimension => new(Elementwise.Square(x.Value));

    /// <summary>The logistic function <c>1 / (1 + e^-x)</c>.</summary>
    public static Scalar Sigmoid(Scalar x) => new(Elementwise.Sigmoid(x.Value));

    /// <inheritdoc cref="Sigmoid(Scalar)"/>
    public static Vec<D> Sigmoid<D>(Vec<D> x) where D : IDimension => new(Elementwise.Sigmoid(x.Value));

    /// <summary>The logarithm of the logistic function, <c>-log(1 + e^-x)</c>: the usual way to a log-decay.</summary>
    public static Scalar LogSigmoid(Scalar x) => new(Elementwise.LogSigmoid(x.Value));

    /// <inheritdoc cref="LogSigmoid(Scalar)"/>
    public static Vec<D> LogSigmoid<D>(Vec<D> x) where D : IDimension => new(Elementwise.LogSigmoid(x.Value));

    /// <summary>The hyperbolic tangent.</summary>
    public static Scalar Tanh(Scalar x) => new(Elementwise.Tanh(x.Value));

    /// <inheritdoc cref="Tanh(Scalar)"/>
    public static Vec<D> Tanh<D>(Vec<D> x) where D : IDimension => new(Elementwise.Tanh(x.Value));

    /// <summary>The positive part <c>max(x, 0)</c>, of derivative 0 at 0.</summary>
    public static Scalar Relu(Scalar x) => new(Elementwise.Relu(x.Value));

    /// <inheritdoc cref="Relu(Scalar)"/>
    public static Vec<D> Relu<D>(Vec<D> x) where D : IDimension => new(Elementwise.Relu(x.Value));

    /// <summary>The sigmoid linear unit <c>x / (1 + e^-x)</c>.</summary>
    public static Scalar Silu(Scalar x) => new(Elementwise.Silu(x.Value));

    /// <inheritdoc cref="Silu(Scalar)"/>
    public static Vec<D> Silu<D>(Vec<D> x) where D : IDimension => new(Elementwise.Silu(x.Value));

    /// <summary><c>log(e^x + e^y)</c>, at any size of x and y without overflow.</summary>
    public static Scalar LogAddExp(Scalar x, Scalar y) => new(Elementwise.LogAddExp(x.Value, y.Value));

    /// <inheritdoc cref="LogAddExp(Scalar, Scalar)"/>
    public static Vec<D> LogAddExp<D>(Vec<D> x, Vec<D> y) where D : IDimension => new(Elementwise.LogAddExp(x.Value, y.Value));

    /// <summary>The smooth positive part <c>log(1 + e^x)</c>.</summary>
    public static Scalar Softplus(Scalar x) => new(Elementwise.Softplus(x.Value));

    /// <inheritdoc cref="Softplus(Scalar)"/>
    public static Vec<D> Softplus<D>(Vec<D> x) where D : IDimension => new(Elementwise.Softplus(x.Value));
}
