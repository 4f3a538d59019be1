using ILGPU;

namespace Fla.Dsl.Runtime.Gpu;

/// <summary>A row of N numbers in shared memory as fp32, such as a vector per head. The first N threads compute one of them each.</summary>
public static class Rows
{
    /// <summary>The size of one.</summary>
    public static int Bytes<N>()
        where N : struct, ISize => N.Value * 4;

    /// <summary>Whether this thread computes one of the numbers, that of <see cref="Column"/>.</summary>
    public static bool IsMine<N>()
        where N : struct, ISize => Column < N.Value;

    /// <summary>The column that this thread computes.</summary>
    public static int Column => Group.IdxX;

    /// <summary>Reads a column's number.</summary>
    public static float Get(SharedAddress row, int column) => Columns.Get(row, column);

    /// <summary>Writes a column's number.</summary>
    public static void Set(SharedAddress row, int column, float value) => Columns.Set(row, column, value);

    /// <summary>A row of a tensor, there after a barrier; 0 past its end.</summary>
    public static void Read<N, T>(SharedAddress to, long from, int columns)
        where N : struct, ISize
        where T : struct, IElement
    {
        if (!IsMine<N>()) return;
        var inside = Column < columns;
        var value = T.Read(from + (Numbers.Where(inside, Column) * (long)T.Bytes));
        Set(to, Column, Numbers.Where(inside, value));
    }

    /// <summary>The vector of a sequence, or of a chunk, and a head, there after a barrier; zero where there is no tensor.</summary>
    public static void ReadState<N, T>(SharedAddress to, GpuTensor state, long index, int head, int heads)
        where N : struct, ISize
        where T : struct, IElement
    {
        if (state.Address == 0) Fill<N>(to, 0f);
        else Read<N, T>(to, state.State<T>(index, head, heads, 1), state.Columns);
    }

    /// <summary>Writes the vector of a sequence, or of a chunk, and a head, if there is a tensor for it.</summary>
    public static void WriteState<W, N, T>(GpuTensor tensor, long index, int head, int heads, SharedAddress row)
        where W : struct, IBlock
        where N : struct, ISize
        where T : struct, IElement
    {
        if (tensor.Address == 0 || !IsMine<N>()) return;
        Memory.WriteIf<W, T>(Column < tensor.Columns, tensor.State<T>(index, head, heads, 1) + (Column * (long)T.Bytes), Get(row, Column));
    }

    /// <summary>Every column the same, there after a barrier.</summary>
    public static void Fill<N>(SharedAddress row, float value)
        where N : struct, ISize
    {
        if (IsMine<N>()) Set(row, Column, value);
    }
}
