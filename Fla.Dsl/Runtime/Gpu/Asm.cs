using ILGPU;
using ILGPU.Runtime.Cuda;

namespace Fla.Dsl.Runtime.Gpu;

/// <summary>The PTX that C# has no words for. Called only where a block is of CUDA.</summary>
internal static class Asm
{
    /// <summary>A place in shared memory as instructions take it.</summary>
    public static uint Of(SharedAddress place)
    {
        CudaAsm.Emit("mov.u32 %0, __dyn_shared_alloca;", out uint first);
        return first + (uint)place.Offset;
    }

    /// <summary>Two numbers as a pair of half type.</summary>
    public static uint Pair<T>(float low, float high)
        where T : struct, IElement
    {
        Ref<uint> pair = 0u;
        Ref<float> l = low, h = high;
        if (T.TensorCoreType == 1) CudaAsm.EmitRef("cvt.rn.bf16x2.f32 %0, %2, %1;", ref pair, ref l, ref h);
        else CudaAsm.EmitRef("cvt.rn.f16x2.f32 %0, %2, %1;", ref pair, ref l, ref h);
        return pair.Value;
    }

    /// <summary>A pair of half type as two numbers.</summary>
    public static void Unpack<T>(ArrayView<float> to, int at, uint pair)
        where T : struct, IElement
    {
        if (T.TensorCoreType == 1)
        {
            to[at] = Interop.IntAsFloat(pair << 16);
            to[at + 1] = Interop.IntAsFloat(pair & 0xffff0000u);
        }
        else
        {
            Ref<float> low = 0f, high = 0f;
            Ref<uint> both = pair;
            CudaAsm.EmitRef("{ .reg .b16 l, h; mov.b32 {l, h}, %2; cvt.f32.f16 %0, l; cvt.f32.f16 %1, h; }", ref low, ref high, ref both);
            to[at] = low.Value;
            to[at + 1] = high.Value;
        }
    }

    /// <summary>Two numbers that lie beside one another in shared memory.</summary>
    public static void LoadPair(ArrayView<float> to, int at, uint address)
    {
        Ref<float> first = 0f, second = 0f;
        Ref<uint> from = address;
        CudaAsm.EmitRef("ld.shared.v2.f32 {%0,%1}, [%2];", ref first, ref second, ref from);
        to[at] = first.Value;
        to[at + 1] = second.Value;
    }

    /// <summary>A number in shared memory.</summary>
    public static float Load(uint address)
    {
        Ref<float> number = 0f;
        Ref<uint> from = address;
        CudaAsm.EmitRef("ld.shared.f32 %0, [%1];", ref number, ref from);
        return number.Value;
    }

    /// <summary>A pair of half type in shared memory as two numbers.</summary>
    public static void LoadHalves<T>(ArrayView<float> to, int at, uint address)
        where T : struct, IElement
    {
        Ref<uint> pair = 0u, from = address;
        CudaAsm.EmitRef("ld.shared.b32 %0, [%1];", ref pair, ref from);
        Unpack<T>(to, at, pair.Value);
    }

    /// <summary>Puts two numbers beside one another into shared memory.</summary>
    public static void StorePair(uint address, float first, float second) =>
        CudaAsm.Emit("st.shared.v2.f32 [%0], {%1,%2};", address, first, second);

    /// <summary>A pair of half type, each number times one of its own.</summary>
    public static uint Scaled<T>(uint pair, float first, float second)
        where T : struct, IElement
    {
        var numbers = LocalMemory.Allocate1D<float>(2);
        Unpack<T>(numbers, 0, pair);
        return Pair<T>(numbers[0] * first, numbers[1] * second);
    }

    /// <summary>Two fp32 numbers beside one another in global memory, if <paramref name="holds"/> is not 0.</summary>
    public static void ReadPairIf(int holds, ArrayView<float> to, int at, long address)
    {
        Ref<float> first = to[at], second = to[at + 1];
        Ref<long> from = address;
        Ref<int> condition = holds;
        CudaAsm.EmitRef(
            "{ .reg .pred p; setp.ne.s32 p, %3, 0; @p ld.global.v2.f32 {%0, %1}, [%2]; }",
            ref first, ref second, ref from, ref condition);
        to[at] = first.Value;
        to[at + 1] = second.Value;
    }

    /// <summary>Puts two numbers beside one another into global memory, if <paramref name="holds"/> is not 0.</summary>
    public static void WritePairIf<T>(int holds, long address, float first, float second)
        where T : struct, IElement
    {
        if (T.Bytes == 4)
            CudaAsm.Emit(
                "{ .reg .pred p; setp.ne.s32 p, %3, 0; @p st.global.v2.f32 [%0], {%1, %2}; }", address, first, second, holds);
        else
            CudaAsm.Emit("{ .reg .pred p; setp.ne.s32 p, %2, 0; @p st.global.b32 [%0], %1; }", address, Pair<T>(first, second), holds);
    }

    /// <summary>16 bytes from shared to global memory, if <paramref name="holds"/> is not 0.</summary>
    public static void Move16If(int holds, long to, uint from) => CudaAsm.Emit(
        "{ .reg .pred p; .reg .b32 a, b, c, d; setp.ne.s32 p, %2, 0; ld.shared.v4.b32 {a, b, c, d}, [%1]; "
        + "@p st.global.v4.b32 [%0], {a, b, c, d}; }",
        to, from, holds);

    /// <summary>Four 8x8 matrices from shared memory to the registers of a warp.</summary>
    public static void LoadMatrix(ArrayView<uint> fragment, int at, uint address, bool transposed)
    {
        Ref<uint> r0 = 0u, r1 = 0u, r2 = 0u, r3 = 0u, from = address;
        if (transposed)
        {
            CudaAsm.EmitRef(
                "ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];", ref r0, ref r1, ref r2, ref r3, ref from);
        }
        else
        {
            CudaAsm.EmitRef("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];", ref r0, ref r1, ref r2, ref r3, ref from);
        }

        fragment[at] = r0.Value;
        fragment[at + 1] = r1.Value;
        fragment[at + 2] = r2.Value;
        fragment[at + 3] = r3.Value;
    }

    /// <summary>Two 8x8 matrices from shared memory to the registers of a warp.</summary>
    public static void LoadMatrixPair(ArrayView<uint> fragment, uint address, bool transposed)
    {
        Ref<uint> r0 = 0u, r1 = 0u, from = address;
        if (transposed) CudaAsm.EmitRef("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0,%1}, [%2];", ref r0, ref r1, ref from);
        else CudaAsm.EmitRef("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0,%1}, [%2];", ref r0, ref r1, ref from);
        fragment[0] = r0.Value;
        fragment[1] = r1.Value;
    }

    /// <summary>A 16x8 square of a product: <c>d += a b</c> with a 16x16 and b 16x8.</summary>
    public static void Multiply<T>(ArrayView<float> d, int square, ArrayView<uint> a, int at, uint low, uint high)
        where T : struct, IElement
    {
        Ref<float> d0 = d[square], d1 = d[square + 1], d2 = d[square + 2], d3 = d[square + 3];
        Ref<uint> a0 = a[at], a1 = a[at + 1], a2 = a[at + 2], a3 = a[at + 3], b0 = low, b1 = high;
        if (T.TensorCoreType == 1)
        {
            CudaAsm.EmitRef("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},{%0,%1,%2,%3};",
                ref d0, ref d1, ref d2, ref d3, ref a0, ref a1, ref a2, ref a3, ref b0, ref b1);
        }
        else
        {
            CudaAsm.EmitRef("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},{%0,%1,%2,%3};",
                ref d0, ref d1, ref d2, ref d3, ref a0, ref a1, ref a2, ref a3, ref b0, ref b1);
        }

        d[square] = d0.Value;
        d[square + 1] = d1.Value;
        d[square + 2] = d2.Value;
        d[square + 3] = d3.Value;
    }

    /// <summary>The same for fp32 of which the lower 13 bits do not count, with a 16x8 and b 8x8.</summary>
    public static void MultiplySingle(ArrayView<float> d, int square, ArrayView<uint> a, int at, uint low, uint high)
    {
        Ref<float> d0 = d[square], d1 = d[square + 1], d2 = d[square + 2], d3 = d[square + 3];
        Ref<uint> a0 = a[at], a1 = a[at + 1], a2 = a[at + 2], a3 = a[at + 3], b0 = low, b1 = high;
        CudaAsm.EmitRef("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},{%0,%1,%2,%3};",
            ref d0, ref d1, ref d2, ref d3, ref a0, ref a1, ref a2, ref a3, ref b0, ref b1);
        d[square] = d0.Value;
        d[square + 1] = d1.Value;
        d[square + 2] = d2.Value;
        d[square + 3] = d3.Value;
    }

    /// <summary>fp32 as tensor cores take it, which leave the lower 13 bits out: rounded to nearest.</summary>
    public static uint Operand(float x) => Interop.FloatAsInt(x) + 0x1000u;

    /// <summary>16 bytes from global to shared memory, later; zeros where nothing is to be read.</summary>
    public static void CopyLater(uint to, long from, int bytes) =>
        CudaAsm.Emit("cp.async.cg.shared.global [%0], [%1], 16, %2;", to, from, bytes);

    /// <summary>Reads 4 words of 4 bytes from global memory, or 2 or 1 of them, on condition.</summary>
    public static void ReadWords(ArrayView<uint> words, long address, bool condition, int count)
    {
        Ref<uint> w0 = 0u, w1 = 0u, w2 = 0u, w3 = 0u;
        Ref<long> from = address;
        Ref<int> holds = Numbers.Select(condition, 1, 0);
        if (count == 1)
        {
            CudaAsm.EmitRef("{ .reg .pred p; setp.ne.s32 p, %2, 0; @p ld.global.b32 %0, [%1]; }", ref w0, ref from, ref holds);
        }
        else if (count == 2)
        {
            CudaAsm.EmitRef(
                "{ .reg .pred p; setp.ne.s32 p, %3, 0; @p ld.global.v2.b32 {%0,%1}, [%2]; }", ref w0, ref w1, ref from, ref holds);
        }
        else
        {
            CudaAsm.EmitRef(
                "{ .reg .pred p; setp.ne.s32 p, %5, 0; @p ld.global.v4.b32 {%0,%1,%2,%3}, [%4]; }",
                ref w0, ref w1, ref w2, ref w3, ref from, ref holds);
        }

        words[0] = w0.Value;
        words[1] = w1.Value;
        words[2] = w2.Value;
        words[3] = w3.Value;
    }

    /// <summary>Writes 4 words of 4 bytes to global memory, or 2 or 1 of them, on condition.</summary>
    public static void WriteWords(ArrayView<uint> words, long address, bool condition, int count)
    {
        var holds = Numbers.Select(condition, 1, 0);
        if (count == 1)
        {
            CudaAsm.Emit("{ .reg .pred p; setp.ne.s32 p, %2, 0; @p st.global.b32 [%0], %1; }", address, words[0], holds);
        }
        else if (count == 2)
        {
            CudaAsm.Emit(
                "{ .reg .pred p; setp.ne.s32 p, %3, 0; @p st.global.v2.b32 [%0], {%1,%2}; }", address, words[0], words[1], holds);
        }
        else
        {
            CudaAsm.Emit(
                "{ .reg .pred p; setp.ne.s32 p, %5, 0; @p st.global.v4.b32 [%0], {%1,%2,%3,%4}; }",
                address, words[0], words[1], words[2], words[3], holds);
        }
    }
}
