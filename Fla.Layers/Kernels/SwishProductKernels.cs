using Fla.Dsl.Runtime.Gpu;
using ILGPU;

namespace Fla.Layers.Kernels;

/// <summary><c>y = a sigmoid(a) b</c> for each element, and its gradients; a piece for each thread.</summary>
internal static class SwishProductKernels
{
    /// <summary>The product.</summary>
    public static void Forward<W, P, T>(long y, long a, long b, long count)
        where W : struct, IBlock
        where P : struct, ISize
        where T : struct, IElement
    {
        var (at, there) = Place<W, P, T>(count);
        var gates = LocalMemory.Allocate1D<float>(P.Value);
        var values = LocalMemory.Allocate1D<float>(P.Value);
        Piece.Read<W, P, T>(gates, 0, a + at, there);
        Piece.Read<W, P, T>(values, 0, b + at, there);
        for (var i = 0; i < P.Value; i++) values[i] *= gates[i] * Numbers.Sigmoid<W>(gates[i]);
        Piece.Write<W, P, T>(values, 0, y + at, there);
    }

    /// <summary>The gradients of a and b.</summary>
    public static void Backward<W, P, T>(long da, long db, long dy, long a, long b, long count)
        where W : struct, IBlock
        where P : struct, ISize
        where T : struct, IElement
    {
        var (at, there) = Place<W, P, T>(count);
        var gates = LocalMemory.Allocate1D<float>(P.Value);
        var values = LocalMemory.Allocate1D<float>(P.Value);
        var gradients = LocalMemory.Allocate1D<float>(P.Value);
        Piece.Read<W, P, T>(gates, 0, a + at, there);
        Piece.Read<W, P, T>(values, 0, b + at, there);
        Piece.Read<W, P, T>(gradients, 0, dy + at, there);
        for (var i = 0; i < P.Value; i++)
        {
            var sigmoid = Numbers.Sigmoid<W>(gates[i]);
            values[i] *= gradients[i] * Swish.Slope(gates[i], sigmoid);
            gradients[i] *= gates[i] * sigmoid;
        }

        Piece.Write<W, P, T>(values, 0, da + at, there);
        Piece.Write<W, P, T>(gradients, 0, db + at, there);
    }

    private static (long At, bool There) Place<W, P, T>(long count)
        where W : struct, IBlock
        where P : struct, ISize
        where T : struct, IElement
    {
        var first = (((long)Grid.IdxX * 32 * W.Value) + Group.IdxX) * P.Value;
        return (first * T.Bytes, first < count);
    }
}

/// <summary><c>x sigmoid(x)</c></summary>
internal static class Swish
{
    /// <summary>Its derivative at x, given sigmoid(x).</summary>
    public static float Slope(float x, float sigmoid) => sigmoid * (1f + (x * (1f - sigmoid)));
}
