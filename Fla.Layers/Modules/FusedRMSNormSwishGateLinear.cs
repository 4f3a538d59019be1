using static TorchSharp.torch;

namespace Fla.Layers.Modules;

/// <summary>
/// Root mean square normalisation, a swish gate, and a linear map whose weights are another module's. What comes between is computed
/// again in the backward pass instead of kept.
/// </summary>
/// <param name="hiddenSize">The size of the last dimension.</param>
/// <param name="elementwiseAffine">Whether the norm has a weight.</param>
/// <param name="eps">What is added to the mean square.</param>
public sealed class FusedRMSNormSwishGateLinear(long hiddenSize, bool elementwiseAffine = true, double eps = 1e-5)
    : GatedNorm(nameof(FusedRMSNormSwishGateLinear), hiddenSize, elementwiseAffine, bias: false, Normalisation.RootMeanSquare(eps), "swish")
{
    /// <summary>Normalises, gates and maps.</summary>
    /// <param name="x"><c>[.., hiddenSize]</c>.</param>
    /// <param name="g">The gate: shaped as x.</param>
    /// <param name="linearWeight"><c>[output, hiddenSize]</c>.</param>
    /// <param name="linearBias"><c>[output]</c> or null.</param>
    /// <returns><c>[.., output]</c>, in the type of the weight.</returns>
    /// <exception cref="ArgumentException">The gate's shape is another.</exception>
    public Tensor forward(Tensor x, Tensor g, Tensor linearWeight, Tensor? linearBias) => Mapped(x, g, linearWeight, linearBias);
}
