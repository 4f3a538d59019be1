using ILGPU;

namespace Fla.Dsl.Runtime.Gpu;

/// <summary>A 16x8 square that one warp has, each lane what it has of the accumulators of <c>mma.m16n8</c>.</summary>
internal static class Squares
{
    /// <summary>The row of the lane's i-th element.</summary>
    public static int Row(int i) => (Block.Lane >> 2) + (i / 2 * 8);

    /// <summary>The column of the lane's i-th element.</summary>
    public static int Column(int i) => ((Block.Lane & 3) * 2) + (i % 2);

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
        int row = Block.Lane >> 2, column = Block.Lane & 3;
        var fromA = a + ((row * stride) + (column * 4));
        var fromB = b + ((column * stride) + (row * 4));
        var highA = LocalMemory.Allocate1D<uint>(4);
        var lowA = LocalMemory.Allocate1D<uint>(4);
        var highB = LocalMemory.Allocate1D<uint>(2);
        var lowB = LocalMemory.Allocate1D<uint>(2);
        var lesser = LocalMemory.Allocate1D<float>(4);
        for (var i = 0; i < 4; i++) lesser[i] = 0f;
        for (var k = 0; k < depth; k += 8)
        {
            for (var i = 0; i < 4; i++)
                TensorFloat.Split<W>(highA, lowA, i, SingleElement.ReadShared(fromA + ((i % 2 * 8 * stride) + ((k + (i / 2 * 4)) * 4))));
            for (var i = 0; i < 2; i++) TensorFloat.Split<W>(highB, lowB, i, SingleElement.ReadShared(fromB + ((k + (i * 4)) * stride)));
            Asm.MultiplySingle(lesser, 0, lowA, 0, highB);
            Asm.MultiplySingle(lesser, 0, highA, 0, lowB);
            Asm.MultiplySingle(d, 0, highA, 0, highB);
        }

        for (var i = 0; i < 4; i++) d[i] += lesser[i];
    }
}
