namespace Fla.Dsl;

/// <summary>
/// Marks a vector state that holds logarithms, so that sums of exponentials neither overflow nor vanish. It is written to by
/// <see cref="Recurrences.LogAddExp(Scalar, Scalar)"/>, and decays by what is added to it: <c>z = LogAddExp(z + g, x)</c> is the
/// logarithm of <c>e^z</c> decayed by <c>e^g</c> plus <c>e^x</c>. Before the first token it is minus infinity, the logarithm of nothing.
/// </summary>
[AttributeUsage(AttributeTargets.Parameter)]
public sealed class LogSpaceAttribute : Attribute;
