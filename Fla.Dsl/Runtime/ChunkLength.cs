using System.Numerics;

namespace Fla.Dsl.Runtime;

/// <summary>How many tokens a chunk holds: the one home of these numbers.</summary>
internal static class ChunkLength
{
    /// <summary>
    /// The block below which a decayed product is not cut further by tiled kernels, and the side of the smallest useful matrix
    /// product. Every chunk but a single token is this times a power of two, so that halving it ends here.
    /// </summary>
    public const long Block = 16;

    // Work per token grows with the chunk (C^2 D) and with the number of chunks (K V each): 64 balances them for dims of 64 to 256.
    private const long Longest = 64;

    /// <summary>The chunk length for sequences of at most <paramref name="tokens"/> tokens.</summary>
    public static long For(Mode mode, long tokens) => mode switch
    {
        // A short input gets a short chunk instead of padding.
        Mode.Chunk or Mode.FusedChunk => Math.Min(Longest, PowerOfTwoBlocks(tokens)),
        Mode.FusedRecurrent => 1,
        Mode.Parallel => PowerOfTwoBlocks(tokens),
        _ => throw new ArgumentOutOfRangeException(nameof(mode), mode, null),
    };

    private static long PowerOfTwoBlocks(long tokens) => Math.Max(Block, (long)BitOperations.RoundUpToPowerOf2((ulong)tokens));
}
