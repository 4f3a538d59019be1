namespace Fla.Dsl.Runtime.Gpu;

/// <summary>
/// A tensor as a kernel sees it: contiguous, tokens of all sequences one after the other, <c>[tokens, heads, columns]</c>; per head
/// <c>[heads, columns]</c>; states <c>[sequences, heads, rows, columns]</c>.
/// </summary>
/// <param name="address">Where it begins; 0 for one that is not there.</param>
/// <param name="heads">Its heads, which may be fewer than there are: head h of H reads head h Ha / H.</param>
/// <param name="columns">The size of its last dimension.</param>
public readonly struct GpuTensor(long address, int heads, int columns)
{
    /// <summary>Where it begins.</summary>
    public readonly long Address = address;

    /// <summary>Its heads.</summary>
    public readonly int Heads = heads;

    /// <summary>The size of its last dimension.</summary>
    public readonly int Columns = columns;

    /// <summary>Where the row of a token and a head of a block begins.</summary>
    public long Row<T>(long token, int head, int of)
        where T : struct, IElement => Address + (((token * Heads) + (head * Heads / of)) * Columns * T.Bytes);

    /// <summary>From one token's row to the next.</summary>
    public long Stride<T>()
        where T : struct, IElement => (long)Heads * Columns * T.Bytes;
}
