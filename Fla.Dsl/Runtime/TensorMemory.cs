using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Fla.Dsl.Runtime;

/// <summary>Where the elements of tensors lie.</summary>
public static class TensorMemory
{
    /// <summary>What kernels take the addresses of tensors to be multiples of, in bytes.</summary>
    internal const int Alignment = 16;

    /// <summary>
    /// The address of a tensor's first element, on the device that has it. It is good as long as the tensor lives.
    /// </summary>
    /// <param name="tensor">A contiguous tensor.</param>
    /// <param name="name">What the tensor is called in the message if it is refused.</param>
    /// <exception cref="ArgumentException">The tensor is not contiguous.</exception>
    public static long Pointer(Tensor tensor, [CallerArgumentExpression(nameof(tensor))] string? name = null)
    {
        ArgumentNullException.ThrowIfNull(tensor, name);
        if (!tensor.is_contiguous())
            throw new ArgumentException(
                $"expected a contiguous tensor, got strides [{string.Join(", ", tensor.stride())}] "
                + $"for sizes [{string.Join(", ", tensor.shape)}]: call contiguous() on it", name);
        long address = THSTensor_data(tensor.Handle);
        GC.KeepAlive(tensor);
        return address;
    }

    [DllImport("LibTorchSharp")]
    private static extern nint THSTensor_data(nint tensor);
}
