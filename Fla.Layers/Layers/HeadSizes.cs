namespace Fla.Layers;

/// <summary>How the channels of a mixer are split into heads, of which several may share their keys and values.</summary>
/// <param name="Heads">The heads of queries.</param>
/// <param name="KvHeads">The heads of keys and values.</param>
/// <param name="KeyDim">The channels of a head's key.</param>
/// <param name="ValueDim">The channels of a head's value.</param>
internal sealed record HeadSizes(long Heads, long KvHeads, long KeyDim, long ValueDim)
{
    /// <summary>The channels of all queries.</summary>
    public long Queries => Heads * KeyDim;

    /// <summary>The channels of all keys.</summary>
    public long Keys => KvHeads * KeyDim;

    /// <summary>The channels of all values.</summary>
    public long Values => KvHeads * ValueDim;

    /// <summary>The channels of all outputs.</summary>
    public long Outputs => Heads * ValueDim;

    /// <summary>Splits the channels of a token, expanded by factors.</summary>
    /// <exception cref="ArgumentException">Something does not divide.</exception>
    public static HeadSizes Of(long hiddenSize, double expandK, double expandV, long numHeads, long? numKvHeads = null)
    {
        var kvHeads = numKvHeads ?? numHeads;
        Require.Split(numHeads, kvHeads, nameof(numKvHeads));
        return new(
            numHeads,
            kvHeads,
            Require.Split(Require.Expanded(hiddenSize, expandK, nameof(expandK)), numHeads, nameof(numHeads)),
            Require.Split(Require.Expanded(hiddenSize, expandV, nameof(expandV)), numHeads, nameof(numHeads)));
    }
}
