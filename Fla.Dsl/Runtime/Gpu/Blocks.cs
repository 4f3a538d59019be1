namespace Fla.Dsl.Runtime.Gpu;

/// <summary>
/// What a block runs on, and of how many warps it is. A kernel is generic over it, so that what there is only on the one or the other is
/// chosen when it is compiled.
/// </summary>
public interface IBlock : ISize
{
    /// <summary>Whether PTX can be written in.</summary>
    static abstract bool IsCuda { get; }
}

/// <summary>Eight warps of a CUDA device.</summary>
public readonly struct Cuda8 : IBlock
{
    /// <inheritdoc/>
    public static int Value => 8;

    /// <inheritdoc/>
    public static bool IsCuda => true;
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
