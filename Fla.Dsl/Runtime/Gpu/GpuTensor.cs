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

    /// <summary>From one row to the next, in elements.</summary>
    public readonly int Width = columns;

    /// <summary>The columns that there are from where it begins.</summary>
    public readonly int Columns = columns;

    private GpuTensor(long address, int heads, int width, int columns)
        : this(address, heads, width) => Columns = columns;

    /// <summary>Where the row of a token and a head of a block begins.</summary>
    public long Row<T>(long token, int head, int of)
        where T : struct, IElement => Address + (((token * Heads) + (head * Heads / of)) * Stride<T>(1));

    /// <summary>Where the matrix of a sequence, or of a chunk, and a head begins.</summary>
    public long State<T>(long index, int head, int heads, int rows)
        where T : struct, IElement => Address + (((index * heads) + head) * rows * Stride<T>(1));

    /// <summary>From one token's row to the next.</summary>
    public long Stride<T>()
        where T : struct, IElement => Stride<T>(Heads);

    /// <summary>From one row to that so many further on.</summary>
    public long Stride<T>(int rows)
        where T : struct, IElement => (long)rows * Width * T.Bytes;

    /// <summary>Itself where a condition holds, else none.</summary>
    public GpuTensor If(bool condition) => new(Numbers.Where(condition, Address), Heads, Width, Columns);

    /// <summary>What of it lies from a column on.</summary>
    public GpuTensor From<T>(int column)
        where T : struct, IElement => new(Numbers.Where(Address != 0, Address + (column * (long)T.Bytes)), Heads, Width, Columns - column);
}
