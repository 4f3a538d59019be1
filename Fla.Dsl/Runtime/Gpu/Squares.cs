using ILGPU;

namespace Fla.Dsl.Runtime.Gpu;

/// <summary>A 16x8 square that one warp has, each lane what it has of the accumulators of <c>mma.m16n8</c>.</summary>
internal static class Squares
{
    /// <summary>The row of the lane's i-th element.</summary>
    public static int Row(int i) => (Block.Lane >> 2) + ((i >> 1) * 8);

    /// <summary>The column of the lane's i-th element.</summary>
    public static int Column(int i) => ((Block.Lane & 3) * 2) + (i & 1);

    /// <summary>
    /// <c>d = a b</c> for a of 16 rows and b of 8 columns, fp32 in shared memory. Tensor cores multiply numbers of 11 bits: each is split
    /// into two of them, and only the product of the two lesser halves, at fp32's last places, is left out.
    /// </summary>
    public static void Multiply<W>(ArrayView<float> d, SharedAddress a, SharedAddress b, int stride, int depth)
        where W : struct, IBlock
    {
        for (var i = 0; i < 4; i++) d[i] = 0f;
        if (W.IsCuda) OnTensorCores<W>(d, a, b, stride, depth);
        else OneByOne(d, a, b, stride, depth);
    }

    private static void OneByOne(ArrayView<float> d, SharedAddress a, SharedAddress b, int stride, int depth)
    {
        for (var k = 0; k < depth; k++)
            for (var i = 0; i < 4; i++)
            {
                var left = SingleElement.ReadShared(a + ((Row(i) * stride) + (k * 4)));
                d[i] += left * SingleElement.ReadShared(b + ((k * stride) + (Column(i) * 4)));
            }
    }

    private static void OnTensorCores<W>(ArrayView<float> d, SharedAddress a, SharedAddress b, int stride, int depth)
        where W : struct, IBlock
    {
        // What ldmatrix takes for pairs of half the size are the elements of a. Those of b it would transpose as pairs.
        var fromA = Asm.Of(a + (((Block.Lane & 15) * stride) + ((Block.Lane >> 4) * 16)));
        var fromB = b + (((Block.Lane & 3) * stride) + ((Block.Lane >> 2) * 4));
        var wholeA = LocalMemory.Allocate1D<uint>(depth / 2);
        var wholeB = LocalMemory.Allocate1D<float>(depth / 4);
        for (var k = 0; k < depth; k += 8)
        {
            Asm.LoadMatrix(wholeA, k / 2, fromA + (uint)(k * 4), false);
            wholeB[k / 4] = SingleElement.ReadShared(fromB + (k * stride));
            wholeB[(k / 4) + 1] = SingleElement.ReadShared(fromB + ((k + 4) * stride));
        }

        // Sums apart, so that they need not wait for one another.
        var lowHigh = LocalMemory.Allocate1D<float>(4);
        var highLow = LocalMemory.Allocate1D<float>(4);
        for (var i = 0; i < 4; i++)
        {
            lowHigh[i] = 0f;
            highLow[i] = 0f;
        }

        var highA = LocalMemory.Allocate1D<uint>(4);
        var lowA = LocalMemory.Allocate1D<uint>(4);
        var highB = LocalMemory.Allocate1D<uint>(2);
        var lowB = LocalMemory.Allocate1D<uint>(2);
        for (var k = 0; k < depth; k += 8)
        {
            for (var i = 0; i < 4; i++) TensorFloat.Split<W>(highA, lowA, i, Interop.IntAsFloat(wholeA[(k / 2) + i]));
            for (var i = 0; i < 2; i++) TensorFloat.Split<W>(highB, lowB, i, wholeB[(k / 4) + i]);
            Asm.MultiplySingle(lowHigh, 0, lowA, 0, highB, 0);
            Asm.MultiplySingle(highLow, 0, highA, 0, lowB, 0);
            Asm.MultiplySingle(d, 0, highA, 0, highB, 0);
        }

        for (var i = 0; i < 4; i++) d[i] += lowHigh[i] + highLow[i];
    }
}
