namespace Fla.Dsl.Runtime.Gpu;

/// <summary>
/// What a block runs on, and of how many warps it is. A kernel is generic over it, so that what there is only on the one or the other is
/// chosen when it is compiled.
/// </summary>
public interface IBlock : ISize
{
    /// <summary>Whether PTX can be written in.</summary>
    static abstract bool IsCuda { get; }

    /// <summary>
    /// Whether every row of every tensor is known to begin at a multiple of 16 bytes and to have a multiple of 16 bytes: then the code for
    /// other rows, as much again, need not be compiled.
    /// </summary>
    static virtual bool IsAligned => false;
}

/// <summary>Eight warps of a CUDA device.</summary>
public readonly struct Cuda8 : IBlock
{
    /// <inheritdoc/>
    public static int Value => 8;

    /// <inheritdoc/>
    public static bool IsCuda => true;
}

/// <summary>Eight warps of a CUDA device, for aligned rows.</summary>
public readonly struct AlignedCuda8 : IBlock
{
    /// <inheritdoc/>
    public static int Value => 8;

    /// <inheritdoc/>
    public static bool IsCuda => true;

    /// <inheritdoc/>
    public static bool IsAligned => true;
}

/// <summary>Two warps of a CUDA device.</summary>
public readonly struct Cuda2 : IBlock
{
    /// <inheritdoc/>
    public static int Value => 2;

    /// <inheritdoc/>
    public static bool IsCuda => true;
}

/// <summary>Eight warps of threads of the host.</summary>
public readonly struct Emulated8 : IBlock
{
    /// <inheritdoc/>
    public static int Value => 8;

    /// <inheritdoc/>
    public static bool IsCuda => false;
}

/// <summary>Two warps of threads of the host.</summary>
public readonly struct Emulated2 : IBlock
{
    /// <inheritdoc/>
    public static int Value => 2;

    /// <inheritdoc/>
    public static bool IsCuda => false;
}
