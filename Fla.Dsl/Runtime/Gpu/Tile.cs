using ILGPU;
using ILGPU.Runtime.Cuda;

namespace Fla.Dsl.Runtime.Gpu;

/// <summary>
/// What a block does with MxN tiles: in registers (<see cref="Layout{W, M, N}"/>), in shared memory (<see cref="Shared{M, N, T}"/>) and in
/// tensors.
/// </summary>
public static class Tile
{
    /// <summary>Registers of a tile.</summary>
    public static ArrayView<float> New<W, M, N>()
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize => LocalMemory.Allocate1D<float>(Layout<W, M, N>.Count);

    /// <summary>Every element the same.</summary>
    public static void Fill<W, M, N>(ArrayView<float> tile, float value)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize
    {
        for (var i = 0; i < Layout<W, M, N>.Count; i++) tile[i] = value;
    }

    /// <summary>Writes one element to shared memory, rounded to nearest even.</summary>
    public static void Set<W, T>(SharedAddress at, float value)
        where W : struct, IBlock
        where T : struct, IElement
    {
        if (W.IsCuda && T.TensorCoreType != 0)
        {
            var address = Asm.Of(at);
            var pair = Asm.Pair<T>(value, 0f);
            CudaAsm.Emit("{ .reg .b16 l, h; mov.b32 {l, h}, %1; st.shared.b16 [%0], l; }", address, pair);
        }
        else
        {
            T.WriteShared(at, value);
        }
    }

    /// <summary>From shared memory to registers.</summary>
    public static void Load<W, M, N, T>(ArrayView<float> tile, SharedAddress from)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize
        where T : struct, IElement
    {
        if (W.IsCuda && T.TensorCoreType != 0)
        {
            var first = Asm.Of(from + Shared<M, N, T>.At(Layout<W, M, N>.Row(0), Layout<W, M, N>.Column(0)));
            for (var i = 0; i < Layout<W, M, N>.Count; i += 2)
                Asm.LoadHalves<T>(tile, i, first + (uint)Shared<M, N, T>.At(Layout<W, M, N>.RowStep(i), Layout<W, M, N>.ColumnStep(i)));
            return;
        }

        for (var i = 0; i < Layout<W, M, N>.Count; i++)
            tile[i] = T.ReadShared(from + Shared<M, N, T>.At(Layout<W, M, N>.Row(i), Layout<W, M, N>.Column(i)));
    }

    /// <summary>From registers to shared memory.</summary>
    public static void Store<W, M, N, T>(SharedAddress to, ArrayView<float> tile)
        where W : struct, IBlock
        where M : struct, ISize
        where N : struct, ISize
        where T : struct, IElement
    {
        if (W.IsCuda && T.TensorCoreType != 0)
        {
            var first = Asm.Of(to + Shared<M, N, T>.At(Layout<W, M, N>.Row(0), Layout<W, M, N>.Column(0)));
            for (var i = 0; i < Layout<W, M, N>.Count; i += 2)
            {
                var address = first + (uint)Shared<M, N, T>.At(Layout<W, M, N>.RowStep(i), Layout<W, M, N>.ColumnStep(i));
                var pair = Asm.Pair<T>(tile[i], tile[i + 1]);
                CudaAsm.Emit("st.shared.b32 [%0], %1;", address, pair);
            }
        }
        else
        {
            for (var i = 0; i < Layout<W, M, N>.Count; i++)
                T.WriteShared(to + Shared<M, N, T>.At(Layout<W, M, N>.Row(i), Layout<W, M, N>.Column(i)), tile[i]);
        }
    }
}
