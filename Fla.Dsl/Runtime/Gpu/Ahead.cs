namespace Fla.Dsl.Runtime.Gpu;

/// <summary>
/// Tiles that arrive while the chunk before is computed: the first <c>TAhead</c> tiles of a kernel have two places, which they take in
/// turns; the others are fetched to their one place after the last use of what is there.
/// </summary>
public static class Ahead
{
    /// <summary>Whether a tile has two places.</summary>
    public static bool Has<TAhead>(int tile)
        where TAhead : struct, ISize => tile < TAhead.Value;

    /// <summary>The shared memory of a tile's places.</summary>
    /// <param name="tile">Which tile it is.</param>
    /// <param name="bytes">The size of one place.</param>
    public static int Bytes<TAhead>(int tile, int bytes)
        where TAhead : struct, ISize => Has<TAhead>(tile) ? 2 * bytes : bytes;

    /// <summary>From a tile's first place to that of a chunk.</summary>
    /// <param name="tile">Which tile it is.</param>
    /// <param name="turn">0 or 1: the chunk's turn.</param>
    /// <param name="bytes">The size of one place.</param>
    public static int Offset<TAhead>(int tile, int turn, int bytes)
        where TAhead : struct, ISize => Has<TAhead>(tile) ? turn * bytes : 0;
}
