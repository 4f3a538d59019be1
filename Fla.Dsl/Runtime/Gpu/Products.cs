using ILGPU;

namespace Fla.Dsl.Runtime.Gpu;

/// <summary>Products of two tiles in shared memory, added to a tile in registers.</summary>
public static class Products
{
    /// <summary><c>d += a b</c> for d MxN in registers, a MxK and b KxN in shared memory.</summary>
    public static void AB<W, M, N, K, T>(ArrayView<float> d, SharedAddress a, SharedAddress b)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize
        where K : struct, ISize
        where T : struct, IElement => Multiply<W, M, N, K, T>(d, a, false, b, false, a, false);

    /// <summary><c>d += a b^T</c>, b lying as NxK.</summary>
    public static void ABt<W, M, N, K, T>(ArrayView<float> d, SharedAddress a, SharedAddress b)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize
        where K : struct, ISize
        where T : struct, IElement => Multiply<W, M, N, K, T>(d, a, false, b, true, a, false);

    /// <summary><c>d += a^T b</c>, a lying as KxM.</summary>
    public static void AtB<W, M, N, K, T>(ArrayView<float> d, SharedAddress a, SharedAddress b)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize
        where K : struct, ISize
        where T : struct, IElement => Multiply<W, M, N, K, T>(d, a, true, b, false, a, false);

    /// <summary><c>d += a^T b^T</c>, a lying as KxM, b as NxK.</summary>
    public static void AtBt<W, M, N, K, T>(ArrayView<float> d, SharedAddress a, SharedAddress b)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize
        where K : struct, ISize
        where T : struct, IElement => Multiply<W, M, N, K, T>(d, a, true, b, true, a, false);

    /// <summary><c>d += a diag(s) b</c> for d MxN in registers, a MxK and b KxN in shared memory, s a column of K numbers.</summary>
    public static void AB<W, M, N, K, T>(ArrayView<float> d, SharedAddress a, SharedAddress b, SharedAddress s)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize
        where K : struct, ISize
        where T : struct, IElement => Multiply<W, M, N, K, T>(d, a, false, b, false, s, true);

    /// <summary><c>d += a diag(s) b^T</c>, b lying as NxK.</summary>
    public static void ABt<W, M, N, K, T>(ArrayView<float> d, SharedAddress a, SharedAddress b, SharedAddress s)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize
        where K : struct, ISize
        where T : struct, IElement => Multiply<W, M, N, K, T>(d, a, false, b, true, s, true);

    /// <summary><c>d += a^T diag(s) b</c>, a lying as KxM.</summary>
    public static void AtB<W, M, N, K, T>(ArrayView<float> d, SharedAddress a, SharedAddress b, SharedAddress s)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize
        where K : struct, ISize
        where T : struct, IElement => Multiply<W, M, N, K, T>(d, a, true, b, false, s, true);

    private static void Multiply<W, M, N, K, T>(
        ArrayView<float> d, SharedAddress a, bool transposeA, SharedAddress b, bool transposeB, SharedAddress scales, bool scaled)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize
        where K : struct, ISize
        where T : struct, IElement
    {
        if (W.IsCuda && T.TensorCoreType != 0) OnTensorCores<W, M, N, K, T>(d, a, transposeA, b, transposeB, scales, scaled);
        else if (W.IsCuda) SingleProducts.Multiply<W, M, N, K, T>(d, a, transposeA, b, transposeB, scales, scaled);
        else OneByOne<W, M, N, K, T>(d, a, transposeA, b, transposeB, scales, scaled);
    }

    private static void OneByOne<W, M, N, K, T>(
        ArrayView<float> d, SharedAddress a, bool transposeA, SharedAddress b, bool transposeB, SharedAddress scales, bool scaled)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize
        where K : struct, ISize
        where T : struct, IElement
    {
        int stepA = transposeA ? Shared<K, M, T>.Stride : T.Bytes, stepB = transposeB ? T.Bytes : Shared<K, N, T>.Stride;
        int rowA = transposeA ? T.Bytes : Shared<M, K, T>.Stride, columnB = transposeB ? Shared<N, K, T>.Stride : T.Bytes;

        // Not a for: the loop over k is not to be unrolled, the one over the elements is.
        var k = 0;
        do
        {
            var scale = 1f;
            if (scaled) scale = Columns.Get(scales, k);
            for (var i = 0; i < Layout<W, M, N>.Count; i++)
            {
                var left = T.ReadShared(a + ((Layout<W, M, N>.Row(i) * rowA) + (k * stepA))) * scale;
                var right = T.ReadShared(b + ((Layout<W, M, N>.Column(i) * columnB) + (k * stepB)));
                d[i] += SingleProducts.Operand<W, T>(left) * SingleProducts.Operand<W, T>(right);
            }

            k++;
        }
        while (k < K.Value);
    }

    private static void OnTensorCores<W, M, N, K, T>(
        ArrayView<float> d, SharedAddress a, bool transposeA, SharedAddress b, bool transposeB, SharedAddress scales, bool scaled)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize
        where K : struct, ISize
        where T : struct, IElement
    {
        int lane = Block.Lane, row = Layout<W, M, N>.FirstRow, column = Layout<W, M, N>.FirstColumn;
        int down = Layout<W, M, N>.SquaresDown, across = Layout<W, M, N>.SquaresAcross;
        int strideA = transposeA ? Shared<K, M, T>.Stride : Shared<M, K, T>.Stride;
        int strideB = transposeB ? Shared<N, K, T>.Stride : Shared<K, N, T>.Stride;

        // Each lane gives ldmatrix the address of one row of eight: of 16x16 squares of a, and of 16 columns of b.
        var folded = (lane & 7) + ((lane >> 4) << 3);
        var half = ((lane >> 3) & 1) * 16;
        var fromA = Asm.Of(a + (transposeA ? (folded * strideA) + (row * 2) + half : ((row + (lane & 15)) * strideA) + ((lane >> 4) * 16)));
        var inB = transposeB ? ((column + folded) * strideB) + half : ((lane & 15) * strideB) + (column * 2) + ((lane >> 4) * 16);
        var fromB = Asm.Of(b + inB);
        var fromScales = Asm.Of(scales + ((lane & 3) * 8));
        var fragmentA = LocalMemory.Allocate1D<uint>(down * 4);
        var fragmentB = LocalMemory.Allocate1D<uint>(4);
        for (var k = 0; k < K.Value / 16; k++)
        {
            for (var i = 0; i < down; i++)
            {
                var offset = transposeA ? (k * 16 * strideA) + (i * 32) : (i * 16 * strideA) + (k * 32);
                Asm.LoadMatrix(fragmentA, i * 4, fromA + (uint)offset, transposeA);
            }

            if (scaled) Scale<T>(fragmentA, down, fromScales + (uint)(k * 64));
            for (var j = 0; j < across / 2; j++)
            {
                var offset = transposeB ? (j * 16 * strideB) + (k * 32) : (k * 16 * strideB) + (j * 32);
                Asm.LoadMatrix(fragmentB, 0, fromB + (uint)offset, !transposeB);
                for (var i = 0; i < down; i++)
                    for (var square = 0; square < 2; square++)
                        Asm.Multiply<T>(d, ((i * across) + (2 * j) + square) * 4, fragmentA, i * 4, fragmentB, 2 * square);
            }

            if (across % 2 != 0)
            {
                var offset = transposeB ? ((across - 1) * 8 * strideB) + (k * 32) : (k * 16 * strideB) + ((across - 1) * 16);
                Asm.LoadMatrixPair(fragmentB, fromB + (uint)offset, !transposeB);
                for (var i = 0; i < down; i++)
                    Asm.Multiply<T>(d, ((i * across) + across - 1) * 4, fragmentA, i * 4, fragmentB, 0);
            }
        }
    }

    /// <summary>
    /// 16x16 squares of a left operand: the columns 2t, 2t + 1, 2t + 8 and 2t + 9, which the lane has, each times its number.
    /// </summary>
    private static void Scale<T>(ArrayView<uint> fragment, int squares, uint from)
        where T : struct, IElement
    {
        float first = Asm.Load(from), second = Asm.Load(from + 4), ninth = Asm.Load(from + 32), tenth = Asm.Load(from + 36);
        for (var i = 0; i < squares; i++)
        {
            fragment[(i * 4) + 0] = Asm.Scaled<T>(fragment[(i * 4) + 0], first, second);
            fragment[(i * 4) + 1] = Asm.Scaled<T>(fragment[(i * 4) + 1], first, second);
            fragment[(i * 4) + 2] = Asm.Scaled<T>(fragment[(i * 4) + 2], ninth, tenth);
            fragment[(i * 4) + 3] = Asm.Scaled<T>(fragment[(i * 4) + 3], ninth, tenth);
        }
    }
}
