using Fla.Dsl.Numerics;

namespace Fla.Dsl;

/// <summary>
/// A vector over the dimension <typeparamref name="D"/>, in fp64. Operators are elementwise, and a <see cref="Scalar"/> meets every
/// element. Every operation throws an <see cref="ArgumentException"/> when the sizes differ, and an
/// <see cref="InvalidOperationException"/> when an operand was never assigned.
/// </summary>
/// <typeparam name="D">The dimension's name.</typeparam>
public readonly struct Vec<D> : ITerm
    where D : IDimension
{
    private readonly Value? value;

    /// <summary>A vector of the given elements, at least one.</summary>
    /// <exception cref="ArgumentException">There are none.</exception>
    public Vec(params ReadOnlySpan<double> elements)
    {
        if (elements.IsEmpty)
            throw new ArgumentException($"A Vec<{typeof(D).Name}> needs at least one element.", nameof(elements));
        value = new(elements.ToArray(), elements.Length, 1);
    }

    internal Vec(Value value) => this.value = value;

    Value ITerm.Value => Value;

    internal Value Value => value ?? throw Value.Unassigned($"Vec<{typeof(D).Name}>");

    /// <summary>The number of elements.</summary>
    public int Length => Value.Rows;

    /// <summary>One element, for looking at results.</summary>
    public double this[int index] => Value.Data[index];

    /// <summary>The elements, copied.</summary>
    public double[] ToArray() => [.. Value.Data];

    /// <summary>The elementwise sum.</summary>
    public static Vec<D> operator +(Vec<D> a, Vec<D> b) => new(a.Value + b.Value);

    /// <summary>The elementwise difference.</summary>
    public static Vec<D> operator -(Vec<D> a, Vec<D> b) => new(a.Value - b.Value);

    /// <summary>The elementwise product.</summary>
    public static Vec<D> operator *(Vec<D> a, Vec<D> b) => new(a.Value * b.Value);

    /// <summary>The elementwise quotient.</summary>
    public static Vec<D> operator /(Vec<D> a, Vec<D> b) => new(a.Value / b.Value);

    /// <summary>The negative.</summary>
    public static Vec<D> operator -(Vec<D> x) => new(-x.Value);

    /// <summary>The scalar plus each element.</summary>
    public static Vec<D> operator +(Scalar a, Vec<D> b) => Spread(a, b) + b;

    /// <summary>Each element plus the scalar.</summary>
    public static Vec<D> operator +(Vec<D> a, Scalar b) => a + Spread(b, a);

    /// <summary>The scalar minus each element.</summary>
    public static Vec<D> operator -(Scalar a, Vec<D> b) => Spread(a, b) - b;

    /// <summary>Each element minus the scalar.</summary>
    public static Vec<D> operator -(Vec<D> a, Scalar b) => a - Spread(b, a);

    /// <summary>The scalar times each element.</summary>
    public static Vec<D> operator *(Scalar a, Vec<D> b) => Spread(a, b) * b;

    /// <summary>Each element times the scalar.</summary>
    public static Vec<D> operator *(Vec<D> a, Scalar b) => a * Spread(b, a);

    /// <summary>The scalar divided by each element.</summary>
    public static Vec<D> operator /(Scalar a, Vec<D> b) => Spread(a, b) / b;

    /// <summary>Each element divided by the scalar.</summary>
    public static Vec<D> operator /(Vec<D> a, Scalar b) => a / Spread(b, a);

    /// <inheritdoc/>
    public override string ToString() => value?.ToString() ?? "unassigned";

    private static Vec<D> Spread(Scalar scalar, Vec<D> like) => new(scalar.Value.Repeat(like.Length, 1));
}
