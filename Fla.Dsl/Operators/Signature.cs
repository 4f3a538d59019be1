namespace Fla.Dsl;

/// <summary>What an argument of a recurrence is.</summary>
public enum ArgumentRole
{
    /// <summary>One value per token: <c>[B, T, H, dim]</c>, or <c>[B, T, H]</c> for a scalar.</summary>
    Token,

    /// <summary>One value per head with no time axis: <c>[H, dim]</c>, or <c>[H]</c> for a scalar.</summary>
    PerHead,

    /// <summary>A plain number; by default one over the square root of the first argument's dimension.</summary>
    Scale,
}

/// <summary>One argument of a recurrence.</summary>
/// <param name="Name">The name in the declaration.</param>
/// <param name="Dimensions">The names of its dimensions: none for a scalar, one for a vector, two for a matrix.</param>
/// <param name="Role">What it is.</param>
/// <param name="IsLogDecay">Whether it is the natural logarithm of a decay, expected to be at most 0.</param>
/// <param name="Default">For <see cref="ArgumentRole.PerHead"/> scalars that may be left out: the value from (head, heads).</param>
/// <param name="HasL2NormOption">Whether a caller may have it divided by its length.</param>
public sealed record Argument(
    string Name, IReadOnlyList<string> Dimensions, ArgumentRole Role, bool IsLogDecay = false, Func<int, int, double>? Default = null, bool HasL2NormOption = false);

/// <summary>One state of a recurrence.</summary>
/// <param name="Name">The name in the declaration.</param>
/// <param name="Dimensions">The names of its dimensions: one for a vector state <c>[N, H, D]</c>, two for a matrix state <c>[N, H, R, C]</c>.</param>
/// <param name="IsLogSpace">Whether it holds logarithms; before the first token it is then minus infinity and not 0.</param>
public sealed record StateVariable(string Name, IReadOnlyList<string> Dimensions, bool IsLogSpace = false)
{
    /// <summary>What it is before the first token, where none is given.</summary>
    internal double Empty => IsLogSpace ? double.NegativeInfinity : 0;
}
