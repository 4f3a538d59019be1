using static TorchSharp.torch;

namespace Fla.Layers.Modules;

/// <summary>Half precision stores; it does not add up.</summary>
internal static class Precision
{
    /// <summary>The type that sums over tensors of a type are computed in: fp64 for fp64, else fp32.</summary>
    public static ScalarType Wide(ScalarType type) => type == ScalarType.Float64 ? type : ScalarType.Float32;

    /// <summary>The tensor in the type that sums are computed in; itself where it has that.</summary>
    public static Tensor Widen(Tensor x) => x.to(Wide(x.dtype));
}
