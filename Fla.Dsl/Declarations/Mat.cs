using Fla.Dsl.Numerics;

namespace Fla.Dsl;

/// <summary>
/// A matrix of dimensions <typeparamref name="R"/> (rows) and <typeparamref name="C"/> (columns), in fp64. Left of it a vector scales
/// rows, right of it columns; products with a matrix are elementwise (contract with <c>Dot</c>). Every operation throws an
/// <see cref="ArgumentException"/> when the sizes differ, and an <see cref="InvalidOperationException"/> when an operand was never
/// assigned.
/// </summary>
/// <typeparam name="R">The name of the row dimension.</typeparam>
/// <typeparam name="C">The name of the column dimension.</typeparam>
public readonly struct Mat<R, C> : ITerm
    where R : IDimension
    where C : IDimension
{
    private readonly Value? value;

    /// <summary>A matrix of the given elements <c>[row, column]</c>, at least one.</summary>
    /// <exception cref="ArgumentException">There are none.</exception>
    public Mat(double[,] elements)
    {
        ArgumentNullException.ThrowIfNull(elements);
        if (elements.Length == 0)
            throw new ArgumentException($"A Mat<{typeof(R).Name}, {typeof(C).Name}> needs at least one element.", nameof(elements));
        value = new([.. elements.Cast<double>()], elements.GetLength(0), elements.GetLength(1));
    }

    internal Mat(Value value) => this.value = value;

    Value ITerm.Value => Value;

    internal Value Value => value ?? throw Value.Unassigned($"Mat<{typeof(R).Name}, {typeof(C).Name}>");

    /// <summary>The number of rows.</summary>
    public int Rows => Value.Rows;

    /// <summary>The number of columns.</summary>
    public int Columns => Value.Columns;

    /// <summary>One element, for looking at results.</summary>
    public double this[int row, int column] => Value.Data[row * Columns + column];

    /// <summary>The elementwise sum.</summary>
    public static Mat<R, C> operator +(Mat<R, C> a, Mat<R, C> b) => new(a.Value + b.Value);

    /// <summary>The elementwise difference.</summary>
    public static Mat<R, C> operator -(Mat<R, C> a, Mat<R, C> b) => new(a.Value - b.Value);

    /// <summary>The elementwise product.</summary>
    public static Mat<R, C> operator *(Mat<R, C> a, Mat<R, C> b) => new(a.Value * b.Value);

    /// <summary>The negative.</summary>
    public static Mat<R, C> operator -(Mat<R, C> x) => new(-x.Value);

    /// <summary>The scalar times each element.</summary>
    public static Mat<R, C> operator *(Scalar a, Mat<R, C> b) => new(a.Value.Repeat(b.Rows, b.Columns) * b.Value);

    /// <summary>Each element times the scalar.</summary>
    public static Mat<R, C> operator *(Mat<R, C> a, Scalar b) => b * a;

    /// <summary>Each element divided by the scalar.</summary>
    public static Mat<R, C> operator /(Mat<R, C> a, Scalar b) => new(a.Value / b.Value.Repeat(a.Rows, a.Columns));

    /// <summary>Each row scaled: <c>diag(a) b</c>.</summary>
    public static Mat<R, C> operator *(Vec<R> a, Mat<R, C> b) => new(a.Value.Repeat(1, b.Columns) * b.Value);

    /// <summary>Each column scaled: <c>a diag(b)</c>.</summary>
    public static Mat<R, C> operator *(Mat<R, C> a, Vec<C> b) => new(a.Value * b.Value.Transposed.Repeat(a.Rows, 1));

    /// <inheritdoc/>
    public override string ToString() => value?.ToString() ?? "unassigned";
}
