namespace Fla.Layers.Modules;

/// <summary>Layer normalisation: <c>(x - mean(x)) / sqrt(var(x) + eps)</c>. Ba et al., 2016, arXiv:1607.06450.</summary>
/// <param name="hiddenSize">The size of the last dimension.</param>
/// <param name="elementwiseAffine">Whether there is a weight.</param>
/// <param name="bias">Whether there is a bias.</param>
/// <param name="eps">What is added to the variance.</param>
public sealed class LayerNorm(long hiddenSize, bool elementwiseAffine = true, bool bias = false, double eps = 1e-5)
    : Norm(nameof(LayerNorm), hiddenSize, elementwiseAffine, bias, Normalisation.MeanAndVariance(eps));
