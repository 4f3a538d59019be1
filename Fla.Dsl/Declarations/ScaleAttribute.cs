namespace Fla.Dsl;

/// <summary>
/// Marks a <see cref="Scalar"/> as the scale of the queries: one plain number for the whole call, without a gradient, by default one
/// over the square root of the first argument's dimension, or 1 if that is a <see cref="Scalar"/>.
/// </summary>
[AttributeUsage(AttributeTargets.Parameter)]
public sealed class ScaleAttribute : Attribute;
