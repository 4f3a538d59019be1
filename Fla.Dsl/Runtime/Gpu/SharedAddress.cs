using ILGPU;

namespace Fla.Dsl.Runtime.Gpu;

/// <summary>A place in a block's shared memory.</summary>
/// <param name="memory">All of it, asked for once in a kernel: the emulator gives new memory each time.</param>
/// <param name="offset">The place, in bytes.</param>
public readonly struct SharedAddress(ArrayView<byte> memory, int offset)
{
    /// <summary>The place, in bytes.</summary>
    public readonly int Offset = offset;

    private readonly ArrayView<byte> memory = memory;

    /// <summary>All of it as numbers of a type.</summary>
    public ArrayView<T> As<T>()
        where T : unmanaged => memory.Cast<T>();

    /// <summary>So many bytes on.</summary>
    public static SharedAddress operator +(SharedAddress address, int bytes) => new(address.memory, address.Offset + bytes);
}
