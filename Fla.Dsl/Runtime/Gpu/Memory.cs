using ILGPU.Runtime.Cuda;

namespace Fla.Dsl.Runtime.Gpu;

/// <summary>Numbers in global memory, one at a time.</summary>
public static unsafe class Memory
{
    /// <summary>Reads a whole number of 64 bits.</summary>
    public static long ReadLong(long address) => *(long*)address;

    /// <summary>Reads a number where a condition holds; 0 where it does not.</summary>
    public static float ReadIf<W, T>(bool condition, long address)
        where W : struct, IBlock
        where T : struct, IElement
    {
        if (W.IsCuda)
        {
            float number;
            var holds = Numbers.Select(condition, 1, 0);
            if (T.TensorCoreType == 0)
            {
                CudaAsm.Emit(
                    "{ .reg .pred p; setp.ne.s32 p, %2, 0; mov.b32 %0, 0; @p ld.global.f32 %0, [%1]; }", out number, address, holds);
            }
            else if (T.TensorCoreType == 1)
            {
                CudaAsm.Emit(
                    "{ .reg .pred p; .reg .b16 l, h; .reg .b32 w; mov.b16 l, 0; mov.b16 h, 0; setp.ne.s32 p, %2, 0; "
                    + "@p ld.global.b16 h, [%1]; mov.b32 w, {l, h}; mov.b32 %0, w; }",
                    out number, address, holds);
            }
            else
            {
                CudaAsm.Emit(
                    "{ .reg .pred p; .reg .b16 h; mov.b16 h, 0; setp.ne.s32 p, %2, 0; @p ld.global.b16 h, [%1]; cvt.f32.f16 %0, h; }",
                    out number, address, holds);
            }

            return number;
        }
        else
        {
            return condition ? T.Read(address) : 0f;
        }
    }

    /// <summary>Reads a whole number of 32 bits where a condition holds; 0 where it does not.</summary>
    public static int ReadIntIf<W>(bool condition, long address)
        where W : struct, IBlock
    {
        if (W.IsCuda)
        {
            var holds = Numbers.Select(condition, 1, 0);
            CudaAsm.Emit(
                "{ .reg .pred p; setp.ne.s32 p, %2, 0; mov.b32 %0, 0; @p ld.global.b32 %0, [%1]; }", out int number, address, holds);
            return number;
        }
        else
        {
            return condition ? *(int*)address : 0;
        }
    }

    /// <summary>Writes a number where a condition holds.</summary>
    public static void WriteIf<W, T>(bool condition, long address, float value)
        where W : struct, IBlock
        where T : struct, IElement
    {
        if (W.IsCuda)
        {
            var holds = Numbers.Select(condition, 1, 0);
            if (T.Bytes == 4)
            {
                CudaAsm.Emit("{ .reg .pred p; setp.ne.s32 p, %2, 0; @p st.global.f32 [%0], %1; }", address, value, holds);
            }
            else
            {
                var pair = Asm.Pair<T>(value, 0f);
                CudaAsm.Emit(
                    "{ .reg .pred p; .reg .b16 l, h; setp.ne.s32 p, %2, 0; mov.b32 {l, h}, %1; @p st.global.b16 [%0], l; }",
                    address, pair, holds);
            }
        }
        else if (condition)
        {
            T.Write(address, value);
        }
    }

    /// <summary>The tokens of a chunk that begins at one; none before the first.</summary>
    public static int RowsAt<C>(int start, int tokens)
        where C : struct, ISize => Numbers.Lesser(Numbers.Where(start >= 0 & start < tokens, tokens - start), C.Value);
}
