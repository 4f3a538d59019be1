using ILGPU;

namespace Fla.Dsl.Runtime.Gpu;

/// <summary>
/// What rounding to a type of 8 or 11 bits leaves of a tile. Where products take it beside the tile, an operand has twice the bits. Of fp32
/// nothing is left, and no memory is taken for it.
/// </summary>
public static class Rests
{
    /// <summary>The size of one in shared memory.</summary>
    public static int Bytes<M, N, T>()
        where M : struct, ISize
        where N : struct, ISize
        where T : struct, IElement => T.TensorCoreType == 0 ? 0 : Shared<M, N, T>.Bytes;

    /// <summary>Puts into shared memory what is left of a tile in registers beside what was stored of it by the same thread.</summary>
    /// <param name="to">The rest, laid out as the tile.</param>
    /// <param name="tile">The tile.</param>
    /// <param name="stored">The tile as it was stored.</param>
    public static void Store<W, M, N, T>(SharedAddress to, ArrayView<float> tile, SharedAddress stored)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize
        where T : struct, IElement
    {
        if (T.TensorCoreType == 0) return;
        var rest = Tile.New<W, M, N>();
        Tile.Load<W, M, N, T>(rest, stored);
        for (var i = 0; i < Layout<W, M, N>.Count; i++) rest[i] = tile[i] - rest[i];
        Tile.Store<W, M, N, T>(to, rest);
    }
}
