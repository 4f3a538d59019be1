using Fla.Dsl.Numerics;

namespace Fla.Dsl;

// Feature maps whose inner products are functions of the inner product of what they are features of.
public static partial class Recurrences
{
    /// <summary>
    /// The products of two elements, those of two different ones times the square root of 2:
    /// <c>Dot(Quadratic(x), Quadratic(y)) = Dot(x, y)^2</c>. Their order is that of the rows of an upper triangle.
    /// </summary>
    public static Vec<Quadratic<D>> Quadratic<D>(Vec<D> x) where D : IDimension => new(Elementwise.Quadratic(x.Value));

    /// <summary>
    /// 1, the elements, and <see cref="Quadratic"/> over the square root of 2, in this order:
    /// <c>Dot(Taylor2(x), Taylor2(y)) = 1 + Dot(x, y) + Dot(x, y)^2 / 2</c>, the exponential of <c>Dot(x, y)</c> to second order.
    /// </summary>
    public static Vec<Taylor2<D>> Taylor2<D>(Vec<D> x) where D : IDimension => new(Elementwise.Taylor2(x.Value));
}
