using Fla.Dsl.Numerics;

namespace Fla.Dsl;

/// <summary>
/// A vector carried from token to token, a <c>ref</c> parameter of <c>Step</c>; as a tensor <c>[N, H, D]</c>. It converts from and to
/// <see cref="Vec{D}"/> and has its linear operators, each giving a <see cref="Vec{D}"/>; but no product of two states, which no linear
/// recurrence has.
/// </summary>
/// <typeparam name="D">The dimension's name.</typeparam>
public readonly struct State<D> : ITerm
    where D : IDimension
{
    private readonly Value? value;

    internal State(Value value) => this.value = value;

    Value ITerm.Value => Value;

    internal Value Value => value ?? throw Value.Unassigned($"State<{typeof(D).Name}>");

    private Vec<D> Vector => new(Value);

    /// <summary>The state before the first token.</summary>
    public static State<D> Zero(int length) => new(Value.Filled(0, length, 1));

    /// <summary>The state as a vector.</summary>
    public static implicit operator Vec<D>(State<D> state) => state.Vector;

    /// <summary>A vector as the new state.</summary>
    public static implicit operator State<D>(Vec<D> vector) => new(vector.Value);

    /// <summary>The elementwise sum.</summary>
    public static Vec<D> operator +(State<D> a, State<D> b) => a.Vector + b.Vector;

    /// <summary>The elementwise sum.</summary>
    public static Vec<D> operator +(State<D> a, Vec<D> b) => a.Vector + b;

    /// <summary>The elementwise sum.</summary>
    public static Vec<D> operator +(Vec<D> a, State<D> b) => a + b.Vector;

    /// <summary>The elementwise difference.</summary>
    public static Vec<D> operator -(State<D> a, State<D> b) => a.Vector - b.Vector;

    /// <summary>The elementwise difference.</summary>
    public static Vec<D> operator -(State<D> a, Vec<D> b) => a.Vector - b;

    /// <summary>The elementwise difference.</summary>
    public static Vec<D> operator -(Vec<D> a, State<D> b) => a - b.Vector;

    /// <summary>The negative.</summary>
    public static Vec<D> operator -(State<D> x) => -x.Vector;

    /// <summary>The elementwise product.</summary>
    public static Vec<D> operator *(Vec<D> a, State<D> b) => a * b.Vector;

    /// <summary>The elementwise product.</summary>
    public static Vec<D> operator *(State<D> a, Vec<D> b) => a.Vector * b;

    /// <summary>The scalar times each element.</summary>
    public static Vec<D> operator *(Scalar a, State<D> b) => a * b.Vector;

    /// <summary>Each element times the scalar.</summary>
    public static Vec<D> operator *(State<D> a, Scalar b) => a.Vector * b;

    /// <summary>Each element divided by the scalar.</summary>
    public static Vec<D> operator /(State<D> a, Scalar b) => a.Vector / b;

    /// <inheritdoc/>
    public override string ToString() => value?.ToString() ?? "unassigned";
}
