namespace Fla.Dsl.Runtime.Gpu;

/// <summary>
/// How an MxN tile lies in shared memory: row by row, each padded by 16 bytes, so that eight rows of one column of 16 bytes, which is what
/// <c>ldmatrix</c> reads at once, are in different banks.
/// </summary>
public static class Shared<M, N, T>
    where M : struct, ISize
    where N : struct, ISize
    where T : struct, IElement
{
    /// <summary>From one row to the next.</summary>
    public static int Stride => (N.Value * T.Bytes) + 16;

    /// <summary>The whole tile.</summary>
    public static int Bytes => M.Value * Stride;

    /// <summary>Where an element lies from the tile's beginning.</summary>
    public static int At(int row, int column) => (row * Stride) + (column * T.Bytes);
}
