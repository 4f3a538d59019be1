using ILGPU;
using ILGPU.Runtime.Cuda;

namespace Fla.Dsl.Runtime.Gpu;

/// <summary>fp32 as tensor cores take it: of its 24 bits the upper 11.</summary>
internal static class TensorFloat
{
    /// <summary>
    /// x rounded to nearest even of 11 bits. On CUDA it is not a number where x is none, infinite, or above 2^114. Dekker, 1971,
    /// doi:10.1007/BF01397083: 8193 x has no place for the lower 13 bits of x, and less 8192 x it is x without them.
    /// </summary>
    public static float Rounded<W>(float x)
        where W : struct, IBlock
    {
        if (W.IsCuda)
        {
            // With the rounding named, the product is not drawn into a sum, which would be x again. What cvt.rna is made of takes longer.
            CudaAsm.Emit(
                "{ .reg .f32 p, q; mul.rn.f32 p, %1, 0f46000400; sub.rn.f32 q, %1, p; add.rn.f32 %0, q, p; }", out float rounded, x);
            return rounded;
        }
        else
        {
            var bits = Interop.FloatAsInt(x);
            var rounded = Interop.IntAsFloat((bits + 0xfffu + ((bits >> 13) & 1u)) & 0xffffe000u);
            return Numbers.Select((bits & 0x7fffffffu) > 0x7f800000u, x, rounded);
        }
    }

    /// <summary>x rounded, and the rest of it, of 12 bits at most. The rest is not a number where x is none.</summary>
    public static void Split<W>(ArrayView<uint> high, ArrayView<uint> low, int i, float x)
        where W : struct, IBlock
    {
        var rounded = Rounded<W>(x);
        high[i] = Interop.FloatAsInt(rounded);
        low[i] = Interop.FloatAsInt(x - rounded);
    }
}
