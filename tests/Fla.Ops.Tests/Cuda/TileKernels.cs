using ILGPU;
using ILGPU.Runtime.Cuda;

namespace Fla.Ops.Tests.Cuda;

/// <summary>A size that is known when a kernel is compiled.</summary>
public interface ISize
{
    static abstract int Value { get; }
}

/// <summary>16.</summary>
public readonly struct Size16 : ISize
{
    public static int Value => 16;
}

/// <summary>64.</summary>
public readonly struct Size64 : ISize
{
    public static int Value => 64;
}

/// <summary>128.</summary>
public readonly struct Size128 : ISize
{
    public static int Value => 128;
}

/// <summary>256.</summary>
public readonly struct Size256 : ISize
{
    public static int Value => 256;
}

/// <summary>
/// Kernels of the kind that is generated: matrix products of bf16 over shared memory, summed up in local arrays by a block of 8 warps.
/// </summary>
public static class TileKernels
{
    private const int Warps = 8, RowBytes = 16;

    /// <summary>c += a b for each of <paramref name="tiles"/> pairs of tiles in shared memory, then c to global memory.</summary>
    public static void Products<M, N, K>(long c, int tiles)
        where M : struct, ISize
        where N : struct, ISize
        where K : struct, ISize
    {
        var shared = SharedMemory.GetDynamic<uint>();
        if (tiles < 0) shared[0] = 0;
        var sums = LocalMemory.Allocate1D<float>(Count<M, N>());
        for (int i = 0; i < Count<M, N>(); i++) sums[i] = 0f;
        for (int tile = 0; tile < tiles; tile++)
        {
            Multiply<M, N, K>(sums, (uint)(tile * M.Value * K.Value * 2), (uint)(tile * K.Value * N.Value * 2));
            Group.Barrier();
        }
        for (int i = 0; i < Count<M, N>(); i++)
        {
            long address = c + ((long)Group.IdxX * Count<M, N>() + i) * 4;
            CudaAsm.Emit("st.global.f32 [%0], %1;", address, sums[i]);
        }
    }

    private static int Count<M, N>()
        where M : struct, ISize
        where N : struct, ISize => M.Value * N.Value / (Warps * 32);

    private static void Multiply<M, N, K>(ArrayView<float> d, uint a, uint b)
        where M : struct, ISize
        where N : struct, ISize
        where K : struct, ISize
    {
        CudaAsm.Emit("mov.u32 %0, __dyn_shared_alloca;", out uint start);
        int lane = Group.IdxX & 31, warp = Group.IdxX >> 5;
        int down = M.Value / 16, across = Count<M, N>() / 4 / down;
        var left = LocalMemory.Allocate1D<uint>(4);
        var right = LocalMemory.Allocate1D<uint>(4);
        for (int k = 0; k < K.Value / 16; k++)
            for (int i = 0; i < down; i++)
            {
                Load(left, start + a + (uint)(((i * 16 + (lane & 15)) * K.Value + k * 16) * 2 + (lane >> 4) * RowBytes));
                for (int j = 0; j < across; j++)
                {
                    if ((j & 1) == 0) Load(right, start + b + (uint)(((k * 16 + (lane & 15)) * N.Value + (warp * across + j) * 8) * 2));
                    Multiply(d, (i * across + j) * 4, left, right, (j & 1) * 2);
                }
            }
    }

    private static void Load(ArrayView<uint> fragment, uint address)
    {
        Ref<uint> r0 = 0u, r1 = 0u, r2 = 0u, r3 = 0u, from = address;
        CudaAsm.EmitRef("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];", ref r0, ref r1, ref r2, ref r3, ref from);
        fragment[0] = r0.Value;
        fragment[1] = r1.Value;
        fragment[2] = r2.Value;
        fragment[3] = r3.Value;
    }

    private static void Multiply(ArrayView<float> d, int at, ArrayView<uint> a, ArrayView<uint> b, int bAt)
    {
        Ref<float> d0 = d[at], d1 = d[at + 1], d2 = d[at + 2], d3 = d[at + 3];
        Ref<uint> a0 = a[0], a1 = a[1], a2 = a[2], a3 = a[3], b0 = b[bAt], b1 = b[bAt + 1];
        CudaAsm.EmitRef(
            "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},{%0,%1,%2,%3};",
            ref d0, ref d1, ref d2, ref d3, ref a0, ref a1, ref a2, ref a3, ref b0, ref b1);
        d[at] = d0.Value;
        d[at + 1] = d1.Value;
        d[at + 2] = d2.Value;
        d[at + 3] = d3.Value;
    }
}
