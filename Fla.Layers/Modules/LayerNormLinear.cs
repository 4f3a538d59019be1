namespace Fla.Layers.Modules;

/// <summary>Layer normalisation and a linear map.</summary>
/// <param name="hiddenSize">The size of the last dimension.</param>
/// <param name="elementwiseAffine">Whether the norm has a weight.</param>
/// <param name="bias">Whether the norm has a bias.</param>
/// <param name="eps">What is added to the variance.</param>
public sealed class LayerNormLinear(long hiddenSize, bool elementwiseAffine = true, bool bias = false, double eps = 1e-5)
    : NormLinear(nameof(LayerNormLinear), hiddenSize, elementwiseAffine, bias, Normalisation.MeanAndVariance(eps));
