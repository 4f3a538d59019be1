using static TorchSharp.torch;

namespace Fla.Layers.Modules;

/// <summary>Half precision stores; it does not add up.</summary>
internal static class Precision
{
    /// <summary>The type that sums over tensors of a type are computed in: fp64 for fp64, else fp32.</summary>
    public static ScalarType Wide(ScalarType type) => type == ScalarType.Float64 ? type : ScalarType.Float32;

    /// <summary>The tensor in the type that sums are computed in; itself where it has that.</summary>
    public static Tensor Widen(Tensor x) => x.to(Wide(x.dtype));

    /// <summary>
    /// The tensor for a function that computes in the wide type and gives a result in its argument's: widened, unless that is the type
    /// which the result is to have. So it is rounded once.
    /// </summary>
    public static Tensor ToBeRoundedTo(ScalarType type, Tensor x) => x.dtype == type ? x : Widen(x);
}
