using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Dsl.Runtime;

/// <summary>Memory that its user will write before anyone reads it. Tests hold us to that.</summary>
internal static class Unwritten
{
    /// <summary>Whether to fill it with NaN, so that what is read unwritten shows in the results.</summary>
    public static bool HoldsNaN { get; set; }

    public static Tensor Tensor(long[] shape, ScalarType dtype, Device device) =>
        HoldsNaN ? torch.full(shape, Scalars.NaN, dtype, device) : torch.empty(shape, dtype, device);
}
