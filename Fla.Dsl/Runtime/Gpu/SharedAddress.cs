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

    /// <summary>The number of a type at the place: an address in bytes, to which instructions add constants for nothing.</summary>
    public ref T At<T>()
        where T : unmanaged => ref memory.SubView(Offset, Interop.SizeOf<T>()).Cast<T>()[0];

    /// <summary>So many bytes on.</summary>
    public static SharedAddress operator +(SharedAddress address, int bytes) => new(address.memory, address.Offset + bytes);
}
