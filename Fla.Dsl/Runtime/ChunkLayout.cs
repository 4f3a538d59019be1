namespace Fla.Dsl.Runtime;

/// <summary>
/// Where the tokens of a batch lie among the chunk rows. A chunk is a row and holds tokens of one sequence only, the last one of a
/// sequence padded at its end. Rows are step-major: chunk 0 of every sequence, then chunk 1 of every sequence, and so on, so that
/// what a schedule handles at step n is a contiguous range of rows. Sequences stand in the order of falling length in chunks, so
/// that those still active at a step are a prefix of those active at the step before, and the carried state is cut, never gathered.
/// <para>Plain numbers; <see cref="RowTransfer"/> moves the tensors.</para>
/// </summary>
internal sealed class ChunkLayout
{
    private readonly long[] offsets;    // of sequence n in the flattened tokens; one more than there are sequences
    private readonly long[] active;     // sequences with a chunk at step n
    private readonly long[] first;      // row where step n begins

    /// <param name="offsets">Where each sequence begins in the flattened <c>[B * T]</c> tokens, and the end of the last, not 0.</param>
    /// <param name="batch">B: as many as there are sequences, or 1 when sequences are packed.</param>
    /// <param name="packed">Whether sequences of any lengths are packed along time.</param>
    /// <param name="chunk">Tokens in a chunk.</param>
    public ChunkLayout(long[] offsets, long batch, bool packed, long chunk)
    {
        this.offsets = offsets;
        Batch = batch;
        Tokens = offsets[^1] / batch;
        Packed = packed;
        Chunk = chunk;
        Sequences = offsets.Length - 1;
        Order = [.. Enumerable.Range(0, offsets.Length - 1).OrderByDescending(ChunksOf)];    // stable: equal ones keep their order

        Steps = (int)ChunksOf(Order[0]);
        active = new long[Steps + 1];
        var longEnough = Order.Length;
        for (var step = 0; step < Steps; step++)
        {
            while (ChunksOf(Order[longEnough - 1]) <= step)
                longEnough--;
            active[step] = longEnough;
        }

        first = new long[Steps + 1];
        for (var step = 0; step < Steps; step++)
            first[step + 1] = first[step] + active[step];
    }

    public long Batch { get; }

    /// <summary>The length of the time axis.</summary>
    public long Tokens { get; }

    public bool Packed { get; }

    /// <summary>Tokens in a chunk.</summary>
    public long Chunk { get; }

    public long Sequences { get; }

    /// <summary>The sequence that stands at each place of the rows of a step.</summary>
    public int[] Order { get; }

    /// <summary>Chunks of the longest sequence.</summary>
    public int Steps { get; }

    public long Rows => first[Steps];

    /// <summary>Whether some chunk has padding.</summary>
    public bool IsPadded => Rows * Chunk != offsets[^1];

    /// <summary>How many sequences have a chunk at a step; none after the last.</summary>
    public long Active(int step) => active[step];

    /// <summary>The row at which a step begins.</summary>
    public long First(int step) => first[step];

    /// <summary>The token that lies at each place of the <c>[rows * chunk]</c> places, -1 for padding.</summary>
    public long[] TokenAtPlace()
    {
        var tokens = new long[Rows * Chunk];
        var place = 0;
        for (var step = 0; step < Steps; step++)
            for (var position = 0; position < Active(step); position++)
            {
                var (begin, end) = (offsets[Order[position]] + step * Chunk, offsets[Order[position] + 1]);
                for (var token = begin; token < begin + Chunk; token++)
                    tokens[place++] = token < end ? token : -1;
            }

        return tokens;
    }

    private long ChunksOf(int sequence) => (offsets[sequence + 1] - offsets[sequence] + Chunk - 1) / Chunk;
}
