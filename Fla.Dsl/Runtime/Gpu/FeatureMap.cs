namespace Fla.Dsl.Runtime.Gpu;

/// <summary>
/// A map of vectors to their features, in kernels: products of two elements, row by row of the upper triangle, of a vector that begins
/// with ones.
/// </summary>
public interface IFeatureMap
{
    /// <summary>How many ones there are before the elements.</summary>
    static abstract int Ones { get; }

    /// <summary>What an element times itself is multiplied by.</summary>
    static abstract float OfSquares { get; }

    /// <summary>What a product of two others is multiplied by, and that of ones.</summary>
    static abstract float OfPairs { get; }
}

/// <summary>The features of <see cref="Recurrences.Quadratic"/>.</summary>
public readonly struct QuadraticMap : IFeatureMap
{
    /// <inheritdoc/>
    public static int Ones => 0;

    /// <inheritdoc/>
    public static float OfSquares => 1f;

    /// <inheritdoc/>
    public static float OfPairs => 1.41421356f;
}

/// <summary>
/// The features of <see cref="Recurrences.Taylor2"/>: 1, the elements, and their products, are those of a vector with a one.
/// </summary>
public readonly struct Taylor2Map : IFeatureMap
{
    /// <inheritdoc/>
    public static int Ones => 1;

    /// <inheritdoc/>
    public static float OfSquares => 0.70710678f;

    /// <inheritdoc/>
    public static float OfPairs => 1f;
}
