namespace Fla.Dsl;

/// <summary>
/// Marks a per-token argument as a natural-logarithm decay, which enters the state through <see cref="Recurrences.Exp(Scalar)"/> or its
/// kin. It is expected to be at most 0, so that no exponential of a sum of decays overflows; that is not checked.
/// </summary>
[AttributeUsage(AttributeTargets.Parameter)]
public sealed class LogDecayAttribute : Attribute;
