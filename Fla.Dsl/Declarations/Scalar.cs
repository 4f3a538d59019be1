using Fla.Dsl.Numerics;

namespace Fla.Dsl;

/// <summary>A number of a declaration, in fp64. Literals convert to it.</summary>
public readonly struct Scalar : ITerm
{
    private readonly Value? value;

    internal Scalar(Value value) => this.value = value;

    Value ITerm.Value => Value;

    internal Value Value => value ?? throw Value.Unassigned("Scalar");

    /// <summary>A constant.</summary>
    public static implicit operator Scalar(double number) => new(Value.Number(number));

    /// <summary>The number itself, for looking at results; a declaration cannot branch on it.</summary>
    /// <exception cref="InvalidOperationException">It was never assigned.</exception>
    public static explicit operator double(Scalar x) => x.Value.Data[0];

    /// <summary>The sum.</summary>
    public static Scalar operator +(Scalar a, Scalar b) => new(a.Value + b.Value);

    /// <summary>The difference.</summary>
    public static Scalar operator -(Scalar a, Scalar b) => new(a.Value - b.Value);

    /// <summary>The product.</summary>
    public static Scalar operator *(Scalar a, Scalar b) => new(a.Value * b.Value);

    /// <summary>The quotient.</summary>
    public static Scalar operator /(Scalar a, Scalar b) => new(a.Value / b.Value);

    /// <summary>The negative.</summary>
    public static Scalar operator -(Scalar x) => new(-x.Value);

    /// <inheritdoc/>
    public override string ToString() => value?.ToString() ?? "unassigned";
}
