using static TorchSharp.torch;

namespace Fla.Dsl.Runtime.Gpu;

/// <summary>The type arguments of a kernel, in order; and what types there are.</summary>
internal sealed class GpuTypes(Type[] arguments) : IEquatable<GpuTypes>
{
    /// <summary>The type arguments.</summary>
    public Type[] Arguments { get; } = arguments;

    /// <summary>How many tiles may have two places, from all on: <see cref="Gpu.Ahead"/>.</summary>
    public static Type[] Aheads { get; } = [typeof(Size8), typeof(Size4), typeof(Size3), typeof(Size2), typeof(Size1), typeof(Size0)];

    /// <summary>The sizes that a dimension of a tile may have, from the smallest.</summary>
    public static int[] Sizes { get; } = [32, 64, 96, 128, 160, 256];

    /// <summary>Whether a thread may have so many numbers of a value.</summary>
    public static bool IsFewNumbers(long size) => size is 1 or 8 or 16 or 32;

    /// <summary>The block whose threads have a channel each, for that whose threads have a chunk together.</summary>
    public static Type Narrow(Type block) => block == typeof(Cuda8) ? typeof(Cuda2) : typeof(Emulated2);

    /// <summary>The block for rows that are aligned, for that which takes any.</summary>
    public static Type Aligned(Type block) => block == typeof(Cuda8) ? typeof(AlignedCuda8) : block;

    /// <summary>The type of a size.</summary>
    public static Type Of(int size) => size switch
    {
        1 => typeof(Size1),
        8 => typeof(Size8),
        16 => typeof(Size16),
        32 => typeof(Size32),
        64 => typeof(Size64),
        96 => typeof(Size96),
        128 => typeof(Size128),
        160 => typeof(Size160),
        256 => typeof(Size256),
        _ => throw new ArgumentException($"expected a size that kernels have, got {size}", nameof(size)),
    };

    /// <summary>
    /// The type of elements; null for those that kernels do not know. Products of fp32 are rounded where PyTorch is told to round its own,
    /// by <c>torch.backends.cuda.matmul.allow_tf32</c>.
    /// </summary>
    public static Type? Of(ScalarType type) => type switch
    {
        ScalarType.Float32 => backends.cuda.matmul.allow_tf32 ? typeof(TensorFloatElement) : typeof(SingleElement),
        ScalarType.BFloat16 => typeof(BrainElement),
        ScalarType.Float16 => typeof(HalfElement),
        _ => null,
    };

    /// <inheritdoc/>
    public bool Equals(GpuTypes? other) => other is not null && Arguments.AsSpan().SequenceEqual(other.Arguments);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as GpuTypes);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = 0;
        foreach (var type in Arguments) hash = (31 * hash) + type.GetHashCode();
        return hash;
    }
}
