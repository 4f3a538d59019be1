using ILGPU;
using ILGPU.Runtime.Cuda;

namespace Fla.Dsl.Runtime.Gpu;

/// <summary>The type in which a kernel keeps tensors and the operands of products. What it computes with is fp32 always.</summary>
public unsafe interface IElement
{
    /// <summary>Its size.</summary>
    static abstract int Bytes { get; }

    /// <summary>The PTX name of it if tensor cores multiply it without a loss: 1 for bf16, 2 for fp16, else 0.</summary>
    static abstract int TensorCoreType { get; }

    /// <summary>Whether products round operands to 11 bits first.</summary>
    static abstract bool IsRoundedInProducts { get; }

    /// <summary>Reads one from global memory.</summary>
    static abstract float Read(long address);

    /// <summary>Writes one to global memory, rounded to nearest even.</summary>
    static abstract void Write(long address, float value);

    /// <summary>Reads one from shared memory.</summary>
    static abstract float ReadShared(SharedAddress at);

    /// <summary>Writes one to shared memory, rounded to nearest even.</summary>
    static abstract void WriteShared(SharedAddress at, float value);
}

/// <summary>fp32, of which products are as exact as fp32.</summary>
public readonly unsafe struct SingleElement : IElement
{
    /// <inheritdoc/>
    public static int Bytes => 4;

    /// <inheritdoc/>
    public static int TensorCoreType => 0;

    /// <inheritdoc/>
    public static bool IsRoundedInProducts => false;

    /// <inheritdoc/>
    public static float Read(long address) => *(float*)address;

    /// <inheritdoc/>
    public static void Write(long address, float value) => *(float*)address = value;

    /// <inheritdoc/>
    public static float ReadShared(SharedAddress at) => at.At<float>();

    /// <inheritdoc/>
    public static void WriteShared(SharedAddress at, float value) => at.At<float>() = value;
}

/// <summary>
/// fp32 that products round to 11 bits, as tensor cores multiply it at once (TF32): each operand is off by up to one part in 2048. All
/// else is fp32. It is what kernels take fp32 for while PyTorch's own <c>torch.backends.cuda.matmul.allow_tf32</c> is set.
/// </summary>
public readonly struct TensorFloatElement : IElement
{
    /// <inheritdoc/>
    public static int Bytes => SingleElement.Bytes;

    /// <inheritdoc/>
    public static int TensorCoreType => SingleElement.TensorCoreType;

    /// <inheritdoc/>
    public static bool IsRoundedInProducts => true;

    /// <inheritdoc/>
    public static float Read(long address) => SingleElement.Read(address);

    /// <inheritdoc/>
    public static void Write(long address, float value) => SingleElement.Write(address, value);

    /// <inheritdoc/>
    public static float ReadShared(SharedAddress at) => SingleElement.ReadShared(at);

    /// <inheritdoc/>
    public static void WriteShared(SharedAddress at, float value) => SingleElement.WriteShared(at, value);
}

/// <summary>bf16: the upper half of an fp32.</summary>
public readonly unsafe struct BrainElement : IElement
{
    /// <inheritdoc/>
    public static int Bytes => 2;

    /// <inheritdoc/>
    public static int TensorCoreType => 1;

    /// <inheritdoc/>
    public static bool IsRoundedInProducts => false;

    /// <inheritdoc/>
    public static float Read(long address) => Widened(*(ushort*)address);

    /// <inheritdoc/>
    public static void Write(long address, float value) => *(ushort*)address = Rounded(value);

    /// <inheritdoc/>
    public static float ReadShared(SharedAddress at) => Widened(at.At<ushort>());

    /// <inheritdoc/>
    public static void WriteShared(SharedAddress at, float value) => at.At<ushort>() = Rounded(value);

    private static float Widened(ushort bits) => Interop.IntAsFloat((uint)bits << 16);

    // Half of the last place that stays, or one less where that place is even: a tie goes to even. Not a number stays one.
    private static ushort Rounded(float value)
    {
        var bits = Interop.FloatAsInt(value);
        var rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
        return (ushort)Numbers.Select((bits & 0x7fffffffu) > 0x7f800000u, 0x7fc0u, rounded);
    }
}

/// <summary>fp16.</summary>
public readonly unsafe struct HalfElement : IElement
{
    /// <inheritdoc/>
    public static int Bytes => 2;

    /// <inheritdoc/>
    public static int TensorCoreType => 2;

    /// <inheritdoc/>
    public static bool IsRoundedInProducts => false;

    /// <inheritdoc/>
    public static float Read(long address) => *(ILGPU.Half*)address;

    /// <inheritdoc/>
    public static void Write(long address, float value) => *(ushort*)address = Rounded(value);

    /// <inheritdoc/>
    public static float ReadShared(SharedAddress at) => at.At<ILGPU.Half>();

    /// <inheritdoc/>
    public static void WriteShared(SharedAddress at, float value) => at.At<ushort>() = Rounded(value);

    private static ushort Rounded(float value) =>
        (ushort)(CudaAsm.IsSupported ? Interop.FloatAsInt((ILGPU.Half)value) : Nearest(Interop.FloatAsInt(value)));

    // Without a GPU ILGPU cuts off what does not fit. Below the normal numbers adding 1/2, whose last place is the smallest fp16, rounds
    // as is wanted.
    private static uint Nearest(uint bits)
    {
        uint sign = (bits >> 16) & 0x8000u, size = bits & 0x7fffffffu;
        var small = Interop.FloatAsInt(Interop.IntAsFloat(size) + 0.5f) - 0x3f000000u;
        var normal = (size + 0xfffu + ((size >> 13) & 1u) - 0x38000000u) >> 13;
        var large = Numbers.Select(size > 0x7f800000u, 0x7e00u, 0x7c00u);
        var finite = Numbers.Select(size < 0x38800000u, small, normal);
        return sign | Numbers.Select(size < 0x47800000u, finite, large);
    }
}
