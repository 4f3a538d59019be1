using Fla.Dsl.Numerics;

namespace Fla.Dsl;

public static partial class Recurrences
{
    /// <summary>The sum of the elements.</summary>
    public static Scalar Sum<D>(Vec<D> x) where D : IDimension => new(Elementwise.Sum(x.Value));

    /// <summary>The softmax <c>e^x / sum(e^x)</c>, at any size of <paramref name="x"/> without overflow.</summary>
    public static Vec<D> Softmax<D>(Vec<D> x) where D : IDimension => new(Elementwise.Softmax(x.Value));

    /// <summary>The vector over its length, <c>x / sqrt(sum(x^2) + epsilon)</c>.</summary>
    public static Vec<D> L2Normalize<D>(Vec<D> x, double epsilon = 1e-6) where D : IDimension =>
        new(Elementwise.L2Normalize(x.Value, epsilon));

    /// <summary>The outer product <c>a b^T</c>: what a token with key <paramref name="a"/> and value <paramref name="b"/> writes.</summary>
    public static Mat<R, C> Outer<R, C>(Vec<R> a, Vec<C> b) where R : IDimension where C : IDimension =>
        new(Value.Product(a.Value, b.Value.Transposed));

    /// <summary>The inner product <c>a^T b</c>.</summary>
    public static Scalar Dot<D>(Vec<D> a, Vec<D> b) where D : IDimension => new(Value.Product(a.Value.Transposed, b.Value));

    /// <inheritdoc cref="Dot{D}(Vec{D}, Vec{D})"/>
    public static Scalar Dot<D>(Vec<D> a, State<D> b) where D : IDimension => Dot(a, (Vec<D>)b);

    /// <inheritdoc cref="Dot{D}(Vec{D}, Vec{D})"/>
    public static Scalar Dot<D>(State<D> a, Vec<D> b) where D : IDimension => Dot((Vec<D>)a, b);

    /// <summary>The rows of <paramref name="b"/> contracted, <c>b^T a</c>: what the query or key <paramref name="a"/> reads.</summary>
    public static Vec<C> Dot<R, C>(Vec<R> a, Mat<R, C> b) where R : IDimension where C : IDimension =>
        new(Value.Product(b.Value.Transposed, a.Value));

    /// <inheritdoc cref="Dot{R, C}(Vec{R}, Mat{R, C})"/>
    public static Vec<C> Dot<R, C>(Vec<R> a, State<R, C> b) where R : IDimension where C : IDimension => Dot(a, (Mat<R, C>)b);

    /// <summary>The columns of <paramref name="a"/> contracted, <c>a b</c>.</summary>
    public static Vec<R> Dot<R, C>(Mat<R, C> a, Vec<C> b) where R : IDimension where C : IDimension =>
        new(Value.Product(a.Value, b.Value));

    /// <inheritdoc cref="Dot{R, C}(Mat{R, C}, Vec{C})"/>
    public static Vec<R> Dot<R, C>(State<R, C> a, Vec<C> b) where R : IDimension where C : IDimension => Dot((Mat<R, C>)a, b);
}
