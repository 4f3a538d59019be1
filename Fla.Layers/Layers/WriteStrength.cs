using Fla.Layers.Modules;
using static TorchSharp.torch;

namespace Fla.Layers;

/// <summary>The share beta of a value that a delta rule writes, in fp32.</summary>
internal static class WriteStrength
{
    /// <summary>
    /// <c>sigmoid(x)</c>, or twice it: with strengths up to 2 the transition <c>1 - beta k k'</c> has eigenvalues down to -1. Grazzi et
    /// al., 2024, arXiv:2411.12537.
    /// </summary>
    public static Tensor FromLogits(Tensor x, bool negativeEigenvalues)
    {
        var share = Precision.Widen(x).sigmoid();
        return negativeEigenvalues ? share.Times(2) : share;
    }
}
