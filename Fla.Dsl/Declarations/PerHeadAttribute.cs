namespace Fla.Dsl;

/// <summary>
/// Marks an argument without a time axis, one value per head: a vector is <c>[H, dim]</c>, a scalar <c>[H]</c>, a matrix
/// <c>[H, R, C]</c> (without heads <c>[dim]</c>, one number, <c>[R, C]</c>).
/// </summary>
[AttributeUsage(AttributeTargets.Parameter)]
public sealed class PerHeadAttribute : Attribute
{
    /// <summary>
    /// For a <see cref="Scalar"/> that may be left out: the name of a method <c>static double Name(int head, int heads)</c> of the
    /// declaring class that gives its value, such as RetNet's constant decay.
    /// </summary>
    public string? Default { get; set; }
}
