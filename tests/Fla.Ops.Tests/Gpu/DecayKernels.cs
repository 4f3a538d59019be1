using Fla.Dsl.Runtime;
using Fla.Dsl.Runtime.Gpu;
using ILGPU;

namespace Fla.Ops.Tests.Gpu;

/// <summary>A <see cref="ReadPoint"/> that is known when a kernel is compiled.</summary>
public interface IPoint
{
    static abstract ReadPoint Value { get; }
}

/// <summary><see cref="ReadPoint.BeforeDecay"/>.</summary>
public readonly struct BeforeDecay : IPoint
{
    public static ReadPoint Value => ReadPoint.BeforeDecay;
}

/// <summary><see cref="ReadPoint.AfterDecay"/>.</summary>
public readonly struct AfterDecay : IPoint
{
    public static ReadPoint Value => ReadPoint.AfterDecay;
}

/// <summary><see cref="ReadPoint.AfterWrite"/>.</summary>
public readonly struct AfterWrite : IPoint
{
    public static ReadPoint Value => ReadPoint.AfterWrite;
}

/// <summary>
/// What becomes of one chunk of fp32 tensors of fewer rows and columns than a tile has. From one row of them to the next there are so many
/// bytes.
/// </summary>
internal static class DecayKernels
{
    /// <summary>Sums of rows.</summary>
    public static void Sums<W, C, K, T>(long from, long stride, int rows, int columns, int reverse, int exclusive, long to)
        where W : struct, IBlock
        where C : struct, ISize
        where K : struct, ISize
        where T : struct, IElement
    {
        var sums = new SharedAddress(SharedMemory.GetDynamic<byte>(), 0);
        var tile = sums + Shared<C, K, SingleElement>.Bytes;
        Take<W, C, K, T>(tile, sums, from, stride, rows, columns);
        if (reverse == 0 && exclusive == 0) RunningSums.Of<W, C, K, T>(sums, tile, false, false);
        else if (reverse == 0) RunningSums.Of<W, C, K, T>(sums, tile, false, true);
        else if (exclusive == 0) RunningSums.Of<W, C, K, T>(sums, tile, true, false);
        else RunningSums.Of<W, C, K, T>(sums, tile, true, true);
        Group.Barrier();
        var result = Tile.New<W, C, K>();
        Tile.Load<W, C, K, SingleElement>(result, sums);
        Plain.Write<W, C, K>(to, result);
    }

    /// <summary>[C]x[C] from x, y and log-decays.</summary>
    public static void Dot<W, C, K, T, TPoint>(long x, long y, long gates, long stride, int rows, int columns, long to)
        where W : struct, IBlock
        where C : struct, ISize
        where K : struct, ISize
        where T : struct, IElement
        where TPoint : struct, IPoint
    {
        var sums = new SharedAddress(SharedMemory.GetDynamic<byte>(), 0);
        var later = sums + Shared<C, K, SingleElement>.Bytes;
        var earlier = later + Shared<C, K, T>.Bytes;
        Take<W, C, K, T>(later, sums, x, stride, rows, columns);
        Take<W, C, K, T>(earlier, sums, y, stride, rows, columns);
        Gates<W, C, K>(sums, gates, stride, rows, columns);
        var square = earlier + Shared<C, K, T>.Bytes;
        DecayedDots.Store<W, C, K, T, SingleElement>(square, later, earlier, sums, TPoint.Value);
        Group.Barrier();
        var result = Tile.New<W, C, C>();
        Tile.Load<W, C, C, SingleElement>(result, square);
        Plain.Write<W, C, C>(to, result);
    }

    /// <summary>[C]xK from a [C]x[C] without gaps, y and log-decays.</summary>
    public static void Mix<W, C, K, T, TPoint>(long a, long y, long gates, long stride, int rows, int columns, long to)
        where W : struct, IBlock
        where C : struct, ISize
        where K : struct, ISize
        where T : struct, IElement
        where TPoint : struct, IPoint
    {
        var sums = new SharedAddress(SharedMemory.GetDynamic<byte>(), 0);
        var tile = sums + Shared<C, K, SingleElement>.Bytes;
        var square = tile + Shared<C, K, T>.Bytes;
        Square<W, C, T>(square, a);
        Take<W, C, K, T>(tile, sums, y, stride, rows, columns);
        Gates<W, C, K>(sums, gates, stride, rows, columns);
        var result = Tile.New<W, C, K>();
        Tile.Fill<W, C, K>(result, 1f);
        DecayedMixes.Add<W, C, K, T>(result, square, tile, sums, TPoint.Value);
        Plain.Write<W, C, K>(to, result);
    }

    /// <summary>[C]xK from a [C]x[C] without gaps, x and log-decays.</summary>
    public static void MixTransposed<W, C, K, T, TPoint>(long a, long x, long gates, long stride, int rows, int columns, long to)
        where W : struct, IBlock
        where C : struct, ISize
        where K : struct, ISize
        where T : struct, IElement
        where TPoint : struct, IPoint
    {
        var sums = new SharedAddress(SharedMemory.GetDynamic<byte>(), 0);
        var tile = sums + Shared<C, K, SingleElement>.Bytes;
        var square = tile + Shared<C, K, T>.Bytes;
        Square<W, C, T>(square, a);
        Take<W, C, K, T>(tile, sums, x, stride, rows, columns);
        Gates<W, C, K>(sums, gates, stride, rows, columns);
        var result = Tile.New<W, C, K>();
        Tile.Fill<W, C, K>(result, 1f);
        DecayedMixes.AddTransposed<W, C, K, T>(result, square, tile, sums, TPoint.Value);
        Plain.Write<W, C, K>(to, result);
    }

    // Through fp32, as which the tensor lies in memory.
    private static void Take<W, C, K, T>(SharedAddress to, SharedAddress through, long from, long stride, int rows, int columns)
        where W : struct, IBlock
        where C : struct, ISize
        where K : struct, ISize
        where T : struct, IElement
    {
        Fetch<W, C, K>(through, from, stride, rows, columns);
        var tile = Tile.New<W, C, K>();
        Tile.Load<W, C, K, SingleElement>(tile, through);
        Tile.Store<W, C, K, T>(to, tile);
        Group.Barrier();
    }

    private static void Square<W, C, T>(SharedAddress to, long from)
        where W : struct, IBlock
        where C : struct, ISize
        where T : struct, IElement
    {
        var tile = Tile.New<W, C, C>();
        Plain.Read<W, C, C>(tile, from);
        Tile.Store<W, C, C, T>(to, tile);
    }

    private static void Gates<W, C, K>(SharedAddress sums, long from, long stride, int rows, int columns)
        where W : struct, IBlock
        where C : struct, ISize
        where K : struct, ISize
    {
        Fetch<W, C, K>(sums, from, stride, rows, columns);
        RunningSums.OfGates<W, C, K, SingleElement>(sums, sums);
        Group.Barrier();
    }

    private static void Fetch<W, C, K>(SharedAddress to, long from, long stride, int rows, int columns)
        where W : struct, IBlock
        where C : struct, ISize
        where K : struct, ISize
    {
        Transfers.Copy<W, C, K, SingleElement>(to, from, stride, rows, columns);
        Transfers.Depart<W>();
        Transfers.Arrive<W>();
        Group.Barrier();
    }
}
