using static TorchSharp.torch;

namespace Fla.Dsl.Runtime.Launch;

internal static class Conversions
{
    /// <summary>
    /// The tensor in a type: itself if it is in it, where TorchSharp would make a view of it, which is not the user's to change.
    /// </summary>
    public static Tensor In(this Tensor tensor, ScalarType type) => tensor.dtype == type ? tensor : tensor.to(type);
}
