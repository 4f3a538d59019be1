using Fla.Dsl.Runtime.Gpu;
using ILGPU;

namespace Fla.Ops.Tests.Gpu;

/// <summary>Tiles that lie in memory as fp32, row by row without gaps.</summary>
internal static class Plain
{
    public static void Read<W, M, N>(ArrayView<float> tile, long from)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize
    {
        for (var i = 0; i < Layout<W, M, N>.Count; i++) tile[i] = SingleElement.Read(from + Offset<W, M, N>(i));
    }

    public static void Write<W, M, N>(long to, ArrayView<float> tile)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize
    {
        for (var i = 0; i < Layout<W, M, N>.Count; i++) SingleElement.Write(to + Offset<W, M, N>(i), tile[i]);
    }

    private static long Offset<W, M, N>(int i)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize => ((Layout<W, M, N>.Row(i) * N.Value) + Layout<W, M, N>.Column(i)) * 4L;
}
