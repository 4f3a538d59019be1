namespace Fla.Dsl;

/// <summary>
/// Marks a per-token vector that a caller may want divided by its length first: the operators take <c>bool l2Norm = false</c>, and with it
/// every argument so marked is <c>x / sqrt(sum(x^2) + 1e-6)</c>, as <see cref="Recurrences.L2Normalize{D}(Vec{D}, double)"/> gives it,
/// differentiated through. Delta rules need keys of at most unit length.
/// </summary>
[AttributeUsage(AttributeTargets.Parameter)]
public sealed class L2NormOptionAttribute : Attribute;
