namespace Fla.Dsl.Numerics;

/// <summary>
/// A type of the language, seen as the numbers behind it. Each also has an internal constructor from a <see cref="Numerics.Value"/>.
/// </summary>
internal interface ITerm
{
    /// <summary>The numbers.</summary>
    Value Value { get; }
}
