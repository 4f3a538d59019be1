using ILGPU;

namespace Fla.Dsl.Runtime.Gpu;

/// <summary>
/// Triangular systems <c>(I - l) u = r</c> of a chunk, by the inverse of <c>I - l</c>: products with it, or with its transpose, then solve
/// them for any r. Squares of 16 on the diagonal are inverted by forward substitution, then two by two become one:
/// <c>[a 0; -b d]^-1 = [a^-1 0; d^-1 b a^-1, d^-1]</c>. A series of powers of l would be a product the less, but not for repeated
/// keys, where powers of l are as large as binomials. All of it is as exact as fp32, and only the result is rounded.
/// </summary>
public static class Solves
{
    private const int Diagonal = 16;

    /// <summary>The size of what <see cref="Inverse{W, C, T}"/> works with, as fp32.</summary>
    public static int WorkBytes<C>()
        where C : struct, ISize => C.Value * Stride<C>();

    /// <summary>
    /// <c>(I - l)^-1</c> for a strictly lower l [C]x[C]; what l has elsewhere is not looked at. All threads call it, and the inverse is
    /// there after a barrier.
    /// </summary>
    /// <param name="inverse">Where it is put, laid out as <see cref="Shared{M, N, T}"/>.</param>
    /// <param name="work">Shared memory of <see cref="WorkBytes{C}"/>.</param>
    /// <param name="l">l in registers.</param>
    public static void Inverse<W, C, T>(SharedAddress inverse, SharedAddress work, ArrayView<float> l)
        where W : struct, IBlock
        where C : struct, ISize
        where T : struct, IElement
    {
        var zeros = Tile.New<W, C, C>();
        for (var i = 0; i < Layout<W, C, C>.Count; i++)
        {
            int row = Layout<W, C, C>.Row(i), column = Layout<W, C, C>.Column(i);
            Tile.Set<W, SingleElement>(work + At<C>(row, column), Numbers.Where(row > column, l[i]));
            zeros[i] = 0f;
        }

        Tile.Store<W, C, C, T>(inverse, zeros);
        Group.Barrier();
        if (Block.Warp < C.Value / Diagonal / 2) Substitute<W, C, T>(inverse, work);
        Group.Barrier();
        Join<W, C, T>(inverse, work, Diagonal);
        if (C.Value == 4 * Diagonal)
        {
            Group.Barrier();
            Join<W, C, T>(inverse, work, 2 * Diagonal);
        }
    }

    /// <summary>Inverts squares on the diagonal, two a warp: a lane has a column.</summary>
    private static void Substitute<W, C, T>(SharedAddress inverse, SharedAddress work)
        where W : struct, IBlock
        where C : struct, ISize
        where T : struct, IElement
    {
        int first = (Block.Warp * 2 * Diagonal) + (Block.Lane & Diagonal), column = Block.Lane & (Diagonal - 1);
        var square = work + At<C>(first, first);
        var x = LocalMemory.Allocate1D<float>(Diagonal);
        var row = LocalMemory.Allocate1D<float>(Diagonal);
        for (var i = 0; i < Diagonal; i++)
        {
            for (var j = 0; j < i; j += 4) Shared4.Read<W>(row, j, square + At<C>(i, j));

            // Even and odd tokens apart: half as many additions wait for one another.
            float even = Numbers.Select(i == column, 1f, 0f), odd = 0f;
            for (var j = 0; j < i; j += 2) even += row[j] * x[j];
            for (var j = 1; j < i; j += 2) odd += row[j] * x[j];
            x[i] = even + odd;
        }

        Warp.Barrier();
        for (var i = 0; i < Diagonal; i++)
        {
            Tile.Set<W, SingleElement>(square + At<C>(i, column), x[i]);
            Tile.Set<W, T>(inverse + Shared<C, C, T>.At(first + i, first + column), x[i]);
        }
    }

    /// <summary>Of each two inverses of a size makes one of twice the size.</summary>
    private static void Join<W, C, T>(SharedAddress inverse, SharedAddress work, int size)
        where W : struct, IBlock
        where C : struct, ISize
        where T : struct, IElement
    {
        // A warp has a square of 16x8 of what is below the diagonal of a pair. d^-1 b waits in the upper half, which nothing else is in.
        int down = size / 16, across = size / 8, squares = down * across, pair = Block.Warp / squares;
        int first = pair * 2 * size, row = (Block.Warp / across & (down - 1)) * 16, column = (Block.Warp & (across - 1)) * 8;
        var mine = Block.Warp < C.Value / 2 / size * squares;
        var waiting = work + At<C>(0, (C.Value / 2) + (pair * size));
        var sums = LocalMemory.Allocate1D<float>(4);
        if (mine)
        {
            var b = work + At<C>(first + size, first + column);
            Squares.Multiply<W>(sums, work + At<C>(first + size + row, first + size), b, Stride<C>(), size);
            for (var i = 0; i < 4; i++)
                Tile.Set<W, SingleElement>(waiting + At<C>(row + Squares.Row(i), column + Squares.Column(i)), sums[i]);
        }

        Group.Barrier();
        if (mine)
        {
            Squares.Multiply<W>(sums, waiting + At<C>(row, 0), work + At<C>(first, first + column), Stride<C>(), size);
            for (var i = 0; i < 4; i++)
            {
                int r = first + size + row + Squares.Row(i), c = first + column + Squares.Column(i);
                Tile.Set<W, SingleElement>(work + At<C>(r, c), sums[i]);
                Tile.Set<W, T>(inverse + Shared<C, C, T>.At(r, c), sums[i]);
            }
        }
    }

    private static int Stride<C>()
        where C : struct, ISize => Shared<C, C, SingleElement>.Stride;

    private static int At<C>(int row, int column)
        where C : struct, ISize => Shared<C, C, SingleElement>.At(row, column);
}
