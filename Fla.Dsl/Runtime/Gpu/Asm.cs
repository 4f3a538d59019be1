using System.Runtime.CompilerServices;
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
        uint pair;
        if (T.TensorCoreType == 1) CudaAsm.Emit("cvt.rn.bf16x2.f32 %0, %2, %1;", out pair, low, high);
        else CudaAsm.Emit("cvt.rn.f16x2.f32 %0, %2, %1;", out pair, low, high);
        return pair;
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
            Input<uint> both = pair;
            CudaAsm.EmitRef("{ .reg .b16 l, h; mov.b32 {l, h}, %2; cvt.f32.f16 %0, l; cvt.f32.f16 %1, h; }",
                ref Out(to, at), ref Out(to, at + 1), ref both);
        }
    }

    /// <summary>Two numbers that lie beside one another in shared memory.</summary>
    public static void LoadPair(ArrayView<float> to, int at, uint address)
    {
        Input<uint> from = address;
        CudaAsm.EmitRef("ld.shared.v2.f32 {%0,%1}, [%2];", ref Out(to, at), ref Out(to, at + 1), ref from);
    }

    /// <summary>Four numbers that lie beside one another in shared memory.</summary>
    public static void LoadFour(ArrayView<float> to, int at, uint address)
    {
        Input<uint> from = address;
        CudaAsm.EmitRef("ld.shared.v4.f32 {%0,%1,%2,%3}, [%4];",
            ref Out(to, at), ref Out(to, at + 1), ref Out(to, at + 2), ref Out(to, at + 3), ref from);
    }

    /// <summary>A number in shared memory.</summary>
    public static float Load(uint address)
    {
        CudaAsm.Emit("ld.shared.f32 %0, [%1];", out float number, address);
        return number;
    }

    /// <summary>A pair of half type in shared memory as two numbers.</summary>
    public static void LoadHalves<T>(ArrayView<float> to, int at, uint address)
        where T : struct, IElement
    {
        CudaAsm.Emit("ld.shared.b32 %0, [%1];", out uint pair, address);
        Unpack<T>(to, at, pair);
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
        Input<long> from = address;
        Input<int> condition = holds;
        CudaAsm.EmitRef(
            "{ .reg .pred p; setp.ne.s32 p, %3, 0; @p ld.global.v2.f32 {%0, %1}, [%2]; }",
            ref InOut(to, at), ref InOut(to, at + 1), ref from, ref condition);
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
        Input<uint> from = address;
        if (transposed)
        {
            CudaAsm.EmitRef("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];",
                ref Out(fragment, at), ref Out(fragment, at + 1), ref Out(fragment, at + 2), ref Out(fragment, at + 3), ref from);
        }
        else
        {
            CudaAsm.EmitRef("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];",
                ref Out(fragment, at), ref Out(fragment, at + 1), ref Out(fragment, at + 2), ref Out(fragment, at + 3), ref from);
        }
    }

    /// <summary>Two 8x8 matrices from shared memory to the registers of a warp.</summary>
    public static void LoadMatrixPair(ArrayView<uint> fragment, uint address, bool transposed)
    {
        Input<uint> from = address;
        if (transposed)
            CudaAsm.EmitRef("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0,%1}, [%2];", ref Out(fragment, 0), ref Out(fragment, 1), ref from);
        else
            CudaAsm.EmitRef("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0,%1}, [%2];", ref Out(fragment, 0), ref Out(fragment, 1), ref from);
    }

    /// <summary>A 16x8 square of a product: <c>d += a b</c> with a 16x16 and b 16x8.</summary>
    public static void Multiply<T>(ArrayView<float> d, int square, ArrayView<uint> a, int atA, ArrayView<uint> b, int atB)
        where T : struct, IElement
    {
        if (T.TensorCoreType == 1)
        {
            CudaAsm.EmitRef("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},{%0,%1,%2,%3};",
                ref InOut(d, square), ref InOut(d, square + 1), ref InOut(d, square + 2), ref InOut(d, square + 3),
                ref In(a, atA), ref In(a, atA + 1), ref In(a, atA + 2), ref In(a, atA + 3), ref In(b, atB), ref In(b, atB + 1));
        }
        else
        {
            CudaAsm.EmitRef("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},{%0,%1,%2,%3};",
                ref InOut(d, square), ref InOut(d, square + 1), ref InOut(d, square + 2), ref InOut(d, square + 3),
                ref In(a, atA), ref In(a, atA + 1), ref In(a, atA + 2), ref In(a, atA + 3), ref In(b, atB), ref In(b, atB + 1));
        }
    }

    /// <summary>The same for fp32 of which the lower 13 bits do not count, with a 16x8 and b 8x8.</summary>
    public static void MultiplySingle(ArrayView<float> d, int square, ArrayView<uint> a, int atA, ArrayView<uint> b, int atB) =>
        CudaAsm.EmitRef("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},{%0,%1,%2,%3};",
            ref InOut(d, square), ref InOut(d, square + 1), ref InOut(d, square + 2), ref InOut(d, square + 3),
            ref In(a, atA), ref In(a, atA + 1), ref In(a, atA + 2), ref In(a, atA + 3), ref In(b, atB), ref In(b, atB + 1));

    /// <summary>fp32 as tensor cores take it, which leave the lower 13 bits out: rounded to nearest.</summary>
    public static uint Operand(float x) => Interop.FloatAsInt(x) + 0x1000u;

    /// <summary>16 bytes from global to shared memory, later; zeros where nothing is to be read.</summary>
    public static void CopyLater(uint to, long from, int bytes) =>
        CudaAsm.Emit("cp.async.cg.shared.global [%0], [%1], 16, %2;", to, from, bytes);

    /// <summary>Reads 4 words of 4 bytes from global memory, or 2 or 1 of them, on condition.</summary>
    public static void ReadWords(ArrayView<uint> words, long address, bool condition, int count)
    {
        for (var i = 0; i < 4; i++) words[i] = 0u;
        Input<long> from = address;
        Input<int> holds = Numbers.Select(condition, 1, 0);
        if (count == 1)
        {
            CudaAsm.EmitRef("{ .reg .pred p; setp.ne.s32 p, %2, 0; @p ld.global.b32 %0, [%1]; }", ref InOut(words, 0), ref from, ref holds);
        }
        else if (count == 2)
        {
            CudaAsm.EmitRef("{ .reg .pred p; setp.ne.s32 p, %3, 0; @p ld.global.v2.b32 {%0,%1}, [%2]; }",
                ref InOut(words, 0), ref InOut(words, 1), ref from, ref holds);
        }
        else
        {
            CudaAsm.EmitRef("{ .reg .pred p; setp.ne.s32 p, %5, 0; @p ld.global.v4.b32 {%0,%1,%2,%3}, [%4]; }",
                ref InOut(words, 0), ref InOut(words, 1), ref InOut(words, 2), ref InOut(words, 3), ref from, ref holds);
        }
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

    // Elements of local arrays as instructions read them, write them, and both.
    private static ref Input<T> In<T>(ArrayView<T> of, int at)
        where T : unmanaged => ref Unsafe.As<T, Input<T>>(ref of[at]);

    private static ref Output<T> Out<T>(ArrayView<T> of, int at)
        where T : unmanaged => ref Unsafe.As<T, Output<T>>(ref of[at]);

    private static ref Ref<T> InOut<T>(ArrayView<T> of, int at)
        where T : unmanaged => ref Unsafe.As<T, Ref<T>>(ref of[at]);
}
