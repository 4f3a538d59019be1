using Fla.Dsl.Numerics;

namespace Fla.Dsl;

/// <summary>
/// A matrix carried from token to token, a <c>ref</c> parameter of <c>Step</c>; as a tensor <c>[N, H, R, C]</c>. It converts from and to
/// <see cref="Mat{R, C}"/> and has its operators, each giving a <see cref="Mat{R, C}"/>; but no product of two states, which no linear
/// recurrence has.
/// </summary>
/// <typeparam name="R">The name of the row dimension.</typeparam>
/// <typeparam name="C">The name of the column dimension.</typeparam>
public readonly struct State<R, C> : ITerm
    where R : IDimension
    where C : IDimension
{
    private readonly Value? value;

    internal State(Value value) => this.value = value;

    Value ITerm.Value => Value;

    internal Value Value => value ?? throw Value.Unassigned($"State<{typeof(R).Name}, {typeof(C).Name}>");

    private Mat<R, C> Matrix => new(Value);

    /// <summary>The state before the first token.</summary>
    public static State<R, C> Zero(int rows, int columns) => new(Value.Filled(0, rows, columns));

    /// <summary>The state as a matrix.</summary>
    public static implicit operator Mat<R, C>(State<R, C> state) => state.Matrix;

    /// <summary>A matrix as the new state.</summary>
    public static implicit operator State<R, C>(Mat<R, C> matrix) => new(matrix.Value);

    /// <summary>The elementwise sum.</summary>
    public static Mat<R, C> operator +(State<R, C> a, State<R, C> b) => a.Matrix + b.Matrix;

    /// <summary>The elementwise sum.</summary>
    public static Mat<R, C> operator +(State<R, C> a, Mat<R, C> b) => a.Matrix + b;

    /// <summary>The elementwise sum.</summary>
    public static Mat<R, C> operator +(Mat<R, C> a, State<R, C> b) => a + b.Matrix;

    /// <summary>The elementwise difference.</summary>
    public static Mat<R, C> operator -(State<R, C> a, State<R, C> b) => a.Matrix - b.Matrix;

    /// <summary>The elementwise difference.</summary>
    public static Mat<R, C> operator -(State<R, C> a, Mat<R, C> b) => a.Matrix - b;

    /// <summary>The elementwise difference.</summary>
    public static Mat<R, C> operator -(Mat<R, C> a, State<R, C> b) => a - b.Matrix;

    /// <summary>The negative.</summary>
    public static Mat<R, C> operator -(State<R, C> x) => -x.Matrix;

    /// <summary>The elementwise product: a decay of each element by itself.</summary>
    public static Mat<R, C> operator *(Mat<R, C> a, State<R, C> b) => a * b.Matrix;

    /// <summary>The elementwise product: a decay of each element by itself.</summary>
    public static Mat<R, C> operator *(State<R, C> a, Mat<R, C> b) => a.Matrix * b;

    /// <summary>The scalar times each element.</summary>
    public static Mat<R, C> operator *(Scalar a, State<R, C> b) => a * b.Matrix;

    /// <summary>Each element times the scalar.</summary>
    public static Mat<R, C> operator *(State<R, C> a, Scalar b) => a.Matrix * b;

    /// <summary>Each element divided by the scalar.</summary>
    public static Mat<R, C> operator /(State<R, C> a, Scalar b) => a.Matrix / b;

    /// <summary>Each row scaled: <c>diag(a) b</c>.</summary>
    public static Mat<R, C> operator *(Vec<R> a, State<R, C> b) => a * b.Matrix;

    /// <summary>Each column scaled: <c>a diag(b)</c>.</summary>
    public static Mat<R, C> operator *(State<R, C> a, Vec<C> b) => a.Matrix * b;

    /// <inheritdoc/>
    public override string ToString() => value?.ToString() ?? "unassigned";
}
