using Fla.Dsl.Runtime.Gpu;

namespace Fla.Layers.Kernels;

/// <summary>How a row of some columns is spread over the threads of a block.</summary>
/// <param name="Lanes">The threads that have a row.</param>
/// <param name="Elements">How many elements each has: registers.</param>
/// <param name="Piece">How many neighbouring ones it reads at once.</param>
internal sealed record RowShape(int Lanes, int Elements, int Piece)
{
    // Few elements a thread hide the memory's latency behind many threads; few threads a row make its sums cheap.
    private static readonly (int Columns, int Lanes, int Elements)[] Shapes =
    [
        (64, 8, 8), (128, 16, 8), (256, 32, 8), (512, 32, 16), (1024, 128, 8), (2048, 256, 8), (4096, 256, 16),
    ];

    /// <summary>The longest row that fits.</summary>
    public static long MostColumns => Shapes[^1].Columns;

    /// <summary>Rows that a block has at once.</summary>
    public int RowsPerBlock => ModuleKernel.Threads / Lanes;

    /// <summary>What kernels over rows are generic over, after the block.</summary>
    public Type[] Types => [SizeOf(Lanes), SizeOf(Elements), SizeOf(Piece)];

    /// <summary>The shape for so many columns.</summary>
    /// <param name="columns">At most <see cref="MostColumns"/>.</param>
    /// <param name="aligned">Whether tensors begin where 16 bytes can be read at once.</param>
    public static RowShape Of(long columns, bool aligned)
    {
        var (_, lanes, elements) = Shapes.First(shape => columns <= shape.Columns);
        return new(lanes, elements, aligned && columns % 8 == 0 ? 8 : 1);
    }

    private static Type SizeOf(int number) => number switch
    {
        1 => typeof(Size1),
        8 => typeof(Size8),
        16 => typeof(Size16),
        32 => typeof(Size32),
        128 => typeof(Size128),
        _ => typeof(Size256),
    };
}
