namespace Fla.Dsl.Runtime.Gpu;

/// <summary>A number known when a kernel is compiled: the argument that a kernel is generic over.</summary>
public interface ISize
{
    /// <summary>The number.</summary>
    static abstract int Value { get; }
}

/// <summary>0.</summary>
public readonly struct Size0 : ISize
{
    /// <inheritdoc/>
    public static int Value => 0;
}

/// <summary>1.</summary>
public readonly struct Size1 : ISize
{
    /// <inheritdoc/>
    public static int Value => 1;
}

/// <summary>2.</summary>
public readonly struct Size2 : ISize
{
    /// <inheritdoc/>
    public static int Value => 2;
}

/// <summary>3.</summary>
public readonly struct Size3 : ISize
{
    /// <inheritdoc/>
    public static int Value => 3;
}

/// <summary>4.</summary>
public readonly struct Size4 : ISize
{
    /// <inheritdoc/>
    public static int Value => 4;
}

/// <summary>8.</summary>
public readonly struct Size8 : ISize
{
    /// <inheritdoc/>
    public static int Value => 8;
}

/// <summary>16.</summary>
public readonly struct Size16 : ISize
{
    /// <inheritdoc/>
    public static int Value => 16;
}

/// <summary>32.</summary>
public readonly struct Size32 : ISize
{
    /// <inheritdoc/>
    public static int Value => 32;
}

/// <summary>64.</summary>
public readonly struct Size64 : ISize
{
    /// <inheritdoc/>
    public static int Value => 64;
}

/// <summary>96.</summary>
public readonly struct Size96 : ISize
{
    /// <inheritdoc/>
    public static int Value => 96;
}

/// <summary>128.</summary>
public readonly struct Size128 : ISize
{
    /// <inheritdoc/>
    public static int Value => 128;
}

/// <summary>160.</summary>
public readonly struct Size160 : ISize
{
    /// <inheritdoc/>
    public static int Value => 160;
}

/// <summary>256.</summary>
public readonly struct Size256 : ISize
{
    /// <inheritdoc/>
    public static int Value => 256;
}
