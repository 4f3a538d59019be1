using Fla.Dsl.Runtime.Gpu;
using ILGPU;
using ILGPU.Runtime.Cuda;

namespace Fla.Ops.Tests.Cuda;

/// <summary>Kernels of a few lines. Each adds 1 to <c>n</c> elements of some type unless it says otherwise.</summary>
internal static unsafe class Kernels
{
    private static int Thread => Grid.IdxX * Group.DimX + Group.IdxX;

    public static void Floats(long to, long from, int n)
    {
        if (Thread < n) *(float*)(to + 4L * Thread) = *(float*)(from + 4L * Thread) + 1f;
    }

    public static void Ints(long to, long from, int n)
    {
        if (Thread < n) *(int*)(to + 4L * Thread) = *(int*)(from + 4L * Thread) + 1;
    }

    public static void Longs(long to, long from, int n)
    {
        if (Thread < n) *(long*)(to + 8L * Thread) = *(long*)(from + 8L * Thread) + 1;
    }

    public static void Halves(long to, long from, int n)
    {
        if (Thread < n) *(ILGPU.Half*)(to + 2L * Thread) = (ILGPU.Half)((float)*(ILGPU.Half*)(from + 2L * Thread) + 1f);
    }

    public static void BFloats(long to, long from, int n)
    {
        if (Thread >= n) return;
        float x = Interop.IntAsFloat((uint)*(ushort*)(from + 2L * Thread) << 16) + 1f;
        *(ushort*)(to + 2L * Thread) = (ushort)(Interop.FloatAsInt(x) >> 16);
    }

    /// <summary>Writes a number and what tensors say of themselves.</summary>
    public static void Tensors(GpuTensor a, float x, GpuTensor b, int n)
    {
        if (Group.IdxX != 0) return;
        float* to = (float*)b.Address;
        to[0] = a.Address == 0 ? 1 : 0;
        to[1] = a.Heads;
        to[2] = a.Columns;
        to[3] = x;
        to[4] = b.Heads;
        to[5] = b.Columns;
        to[6] = n;
    }

    /// <summary>Writes whether a number is above 0.</summary>
    public static void Condition(long to, int n) => *(float*)to = n > 0 ? 1 : 0;

    /// <summary>Puts the sum of the numbers before it into each place of shared memory.</summary>
    public static void SumsInPlace(long to, int n)
    {
        var numbers = new SharedAddress(SharedMemory.GetDynamic<byte>(), 0);
        var sum = 0f;
        for (int i = 0; i < n; i++)
        {
            float number = Columns.Get(numbers, i);
            Columns.Set(numbers, i, sum);
            sum += number;
        }
        *(float*)to = sum;
    }

    /// <summary>Writes the coordinates of the block and a number.</summary>
    public static void Coordinates(long to, float x)
    {
        if (Group.IdxX != 0) return;
        int block = Grid.IdxX + Grid.DimX * (Grid.IdxY + Grid.DimY * Grid.IdxZ);
        *(float*)(to + 4L * block) = Grid.IdxX + 10 * Grid.IdxY + 100 * Grid.IdxZ + x;
    }

    /// <summary>The sum of the numbers of a block's threads, in shared memory.</summary>
    public static void Sum(long to)
    {
        var shared = SharedMemory.GetDynamic<float>();
        shared[Group.IdxX] = Group.IdxX;
        for (int distance = Group.DimX / 2; distance > 0; distance /= 2)
        {
            Group.Barrier();
            if (Group.IdxX < distance) shared[Group.IdxX] += shared[Group.IdxX + distance];
        }
        if (Group.IdxX == 0) *(float*)to = shared[0];
    }

    /// <summary>For each thread the number of its neighbour, and whether it is on a GPU.</summary>
    public static void Exchange(long to)
    {
        int* place = (int*)(to + 8L * Group.IdxX);
        place[0] = Warp.ShuffleXor(Group.IdxX, 1);
        place[1] = CudaAsm.IsSupported ? 1 : 0;
    }

    /// <summary>A local array whose first element differs from thread to thread, and a way that depends on it.</summary>
    public static void PartByLocal(long to, int n)
    {
        var local = LocalMemory.Allocate1D<int>(2);
        local[0] = Group.IdxX;
        local[1] = n;
        for (int i = 0; i < n; i++) local[i & 1] += 3;
        if (local[0] > 5) *(int*)(to + 4L * Group.IdxX) = 1;
        else *(int*)(to + 4L * Group.IdxX) = 2;
    }

    /// <summary>What ILGPU refuses.</summary>
    public static void Stack(long to)
    {
        float* array = stackalloc float[4];
        for (int i = 0; i < 4; i++) array[i] = i;
        *(float*)to = array[2];
    }

    public static void WithTensorType(long to, double x) => *(double*)to = x;
}
