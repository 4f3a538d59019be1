using static TorchSharp.torch;

namespace Fla.Dsl.Runtime.Launch;

internal static class Conversions
{
    /// <summary>
    /// The tensor in a type: itself if it is in it, where TorchSharp would make a view of it, which is not the user's to change.
    /// </summary>
    public static Tensor In(this Tensor tensor, ScalarType type) => tensor.dtype == type ? tensor : tensor.to(type);

    /// <summary>
    /// The tensor with its elements one after another, from a multiple of <see cref="TensorMemory.Alignment"/> bytes on, as new ones are:
    /// itself if they are so.
    /// </summary>
    public static Tensor Aligned(this Tensor tensor)
    {
        if (!tensor.is_contiguous()) return tensor.contiguous();
        return TensorMemory.Pointer(tensor) % TensorMemory.Alignment == 0 ? tensor : tensor.clone();
    }
}
