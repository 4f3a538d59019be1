using Fla.Dsl.Runtime.Gpu;
using ILGPU;

namespace Fla.Layers.Kernels;

/// <summary>Turns pairs of channels by the angles of their token: <c>(a cos - b sin, a sin + b cos)</c>.</summary>
internal static class RotationKernel
{
    /// <summary>A thread turns P pairs.</summary>
    /// <param name="y"><c>[rows, columns]</c>; of each row only the pairs are written.</param>
    /// <param name="x">The same.</param>
    /// <param name="cosine"><c>[angles, pairs]</c> in fp32: token t has the angles of row t modulo their number.</param>
    /// <param name="sine">The same.</param>
    /// <param name="rows">Tokens times heads.</param>
    /// <param name="heads">The rows of a token.</param>
    /// <param name="columns">The channels of a row.</param>
    /// <param name="pairs">The pairs of a row.</param>
    /// <param name="angles">Rows of angles.</param>
    /// <param name="interleaved">1 if channels (2i, 2i + 1) make a pair, 0 if (i, i + pairs) do.</param>
    /// <param name="direction">1, or -1 to turn back.</param>
    public static void Turn<W, P, T>(
        long y, long x, long cosine, long sine, int rows, int heads, int columns, int pairs, int angles, int interleaved, float direction)
        where W : struct, IBlock
        where P : struct, ISize
        where T : struct, IElement
    {
        var thread = (Grid.IdxX * 32 * W.Value) + Group.IdxX;
        int pieces = pairs / P.Value, row = thread / pieces, pair = thread % pieces * P.Value;
        var there = row < rows;
        var angle = (((long)(row / heads % angles) * pairs) + pair) * 4;
        var apart = interleaved != 0 ? P.Value : pairs;
        var at = (((long)row * columns) + (interleaved != 0 ? 2 * pair : pair)) * T.Bytes;
        var cosines = LocalMemory.Allocate1D<float>(P.Value);
        var sines = LocalMemory.Allocate1D<float>(P.Value);
        var values = LocalMemory.Allocate1D<float>(2 * P.Value);
        Piece.Read<W, P, SingleElement>(cosines, 0, cosine + angle, there);
        Piece.Read<W, P, SingleElement>(sines, 0, sine + angle, there);
        Piece.Read<W, P, T>(values, 0, x + at, there);
        Piece.Read<W, P, T>(values, P.Value, x + at + (apart * T.Bytes), there);
        for (var i = 0; i < P.Value; i++) sines[i] *= direction;
        if (interleaved != 0)
            for (var i = 0; i < P.Value; i++) Turn(values, 2 * i, (2 * i) + 1, cosines[i], sines[i]);
        else
            for (var i = 0; i < P.Value; i++) Turn(values, i, P.Value + i, cosines[i], sines[i]);
        Piece.Write<W, P, T>(values, 0, y + at, there);
        Piece.Write<W, P, T>(values, P.Value, y + at + (apart * T.Bytes), there);
    }

    private static void Turn(ArrayView<float> values, int first, int second, float cosine, float sine)
    {
        float a = values[first], b = values[second];
        values[first] = (a * cosine) - (b * sine);
        values[second] = (a * sine) + (b * cosine);
    }
}
