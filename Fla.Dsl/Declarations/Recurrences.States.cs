namespace Fla.Dsl;

// A vector state reads as a vector; C# infers no dimension through that conversion, so each function of a vector says it once more.
public static partial class Recurrences
{
    /// <inheritdoc cref="Exp{D}(Vec{D})"/>
    public static Vec<D> Exp<D>(State<D> x) where D : IDimension => Exp((Vec<D>)x);

    /// <inheritdoc cref="Log{D}(Vec{D})"/>
    public static Vec<D> Log<D>(State<D> x) where D : IDimension => Log((Vec<D>)x);

    /// <inheritdoc cref="Sqrt{D}(Vec{D})"/>
    public static Vec<D> Sqrt<D>(State<D> x) where D : IDimension => Sqrt((Vec<D>)x);

    /// <inheritdoc cref="Square{D}(Vec{D})"/>
    public static Vec<D> Square<D>(State<D> x) where D : IDimension => Square((Vec<D>)x);

    /// <inheritdoc cref="Sigmoid{D}(Vec{D})"/>
    public static Vec<D> Sigmoid<D>(State<D> x) where D : IDimension => Sigmoid((Vec<D>)x);

    /// <inheritdoc cref="LogSigmoid{D}(Vec{D})"/>
    public static Vec<D> LogSigmoid<D>(State<D> x) where D : IDimension => LogSigmoid((Vec<D>)x);

    /// <inheritdoc cref="Tanh{D}(Vec{D})"/>
    public static Vec<D> Tanh<D>(State<D> x) where D : IDimension => Tanh((Vec<D>)x);

    /// <inheritdoc cref="Relu{D}(Vec{D})"/>
    public static Vec<D> Relu<D>(State<D> x) where D : IDimension => Relu((Vec<D>)x);

    /// <inheritdoc cref="Silu{D}(Vec{D})"/>
    public static Vec<D> Silu<D>(State<D> x) where D : IDimension => Silu((Vec<D>)x);

    /// <inheritdoc cref="Softplus{D}(Vec{D})"/>
    public static Vec<D> Softplus<D>(State<D> x) where D : IDimension => Softplus((Vec<D>)x);

    /// <inheritdoc cref="LogAddExp(Scalar, Scalar)"/>
    public static Vec<D> LogAddExp<D>(State<D> x, Vec<D> y) where D : IDimension => LogAddExp((Vec<D>)x, y);

    /// <inheritdoc cref="LogAddExp(Scalar, Scalar)"/>
    public static Vec<D> LogAddExp<D>(Vec<D> x, State<D> y) where D : IDimension => LogAddExp(x, (Vec<D>)y);

    /// <inheritdoc cref="Sum{D}(Vec{D})"/>
    public static Scalar Sum<D>(State<D> x) where D : IDimension => Sum((Vec<D>)x);

    /// <inheritdoc cref="Softmax{D}(Vec{D})"/>
    public static Vec<D> Softmax<D>(State<D> x) where D : IDimension => Softmax((Vec<D>)x);

    /// <inheritdoc cref="L2Normalize{D}(Vec{D}, double)"/>
    public static Vec<D> L2Normalize<D>(State<D> x, double epsilon = 1e-6) where D : IDimension => L2Normalize((Vec<D>)x, epsilon);

    /// <inheritdoc cref="Dot{D}(Vec{D}, Vec{D})"/>
    public static Scalar Dot<D>(State<D> a, State<D> b) where D : IDimension => Dot((Vec<D>)a, (Vec<D>)b);
}
