namespace Fla.Dsl.Generator.Model;

/// <summary>
/// A map of vectors to longer ones whose inner product is a function of the vectors' own: within a chunk the features themselves are
/// never needed.
/// </summary>
internal enum FeatureMap
{
    /// <summary><c>phi(x) . phi(y) = (x . y)^2</c>.</summary>
    Quadratic,

    /// <summary><c>phi(x) . phi(y) = 1 + x . y + (x . y)^2 / 2</c>.</summary>
    Taylor2,
}

/// <summary>The dimension <c>Map&lt;D&gt;</c> that a feature map makes of a dimension D.</summary>
internal static class FeatureDimension
{
    public static string Of(string map, string dimension) => $"{map}<{dimension}>";

    /// <summary>The map and the dimension that it was made of, or null for any other dimension.</summary>
    public static (FeatureMap Map, string Dimension)? Parse(string dimension) =>
        dimension.IndexOf('<') is var open and > 0 && Enum.TryParse<FeatureMap>(dimension.Substring(0, open), out var map)
            ? (map, dimension.Substring(open + 1, dimension.Length - open - 2))
            : null;

    /// <summary>The dimension from which the size follows.</summary>
    public static string Root(string dimension) => Parse(dimension) is var (_, inner) ? Root(inner) : dimension;
}
