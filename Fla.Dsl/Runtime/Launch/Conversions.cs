using static TorchSharp.torch;

namespace Fla.Dsl.Runtime.Launch;

internal static class Conversions
{
    /// <summary>
    /// The tensor in a type: itself if it is in it, where TorchSharp would make a view of it, which is not the user's to change.
    /// </summary>
    public static Tensor In(this Tensor tensor, ScalarType type) => tensor.dtype == type ? tensor : tensor.to(type);

    /// <summary>The tensor with its elements one after another: itself if they are.</summary>
    public static Tensor Contiguous(this Tensor tensor) => tensor.is_contiguous() ? tensor : tensor.contiguous();
}
