namespace Fla.Dsl;

/// <summary>
/// A dimension of vectors, matrices and states. It has no value: it is a name that the C# compiler checks, so that a shape error in a
/// declaration does not compile. Declare your own as <c>readonly struct P : IDimension;</c>.
/// </summary>
public interface IDimension;

/// <summary>The dimension of queries and keys.</summary>
public readonly struct K : IDimension;

/// <summary>The dimension of values.</summary>
public readonly struct V : IDimension;

/// <summary>The number of memory slots.</summary>
public readonly struct M : IDimension;

/// <summary>The dimension of a channel's hidden state in state-space models.</summary>
public readonly struct N : IDimension;

/// <summary>The number of channels of a recurrence without heads.</summary>
public readonly struct D : IDimension;

/// <summary>The <c>D (D + 1) / 2</c> features of <see cref="Recurrences.Quadratic"/>: the products of two elements.</summary>
/// <typeparam name="D">The dimension of what they are features of.</typeparam>
public readonly struct Quadratic<D> : IDimension
    where D : IDimension;

/// <summary>The <c>1 + D + D (D + 1) / 2</c> features of <see cref="Recurrences.Taylor2"/>: the number 1, the elements, and their products.</summary>
/// <typeparam name="D">The dimension of what they are features of.</typeparam>
public readonly struct Taylor2<D> : IDimension
    where D : IDimension;
