namespace Fla.Layers.Modules;

/// <summary>Layer normalisation and a gate.</summary>
/// <param name="hiddenSize">The size of the last dimension.</param>
/// <param name="elementwiseAffine">Whether there is a weight.</param>
/// <param name="bias">Whether there is a bias.</param>
/// <param name="eps">What is added to the variance.</param>
/// <param name="activation">How the gate is bent: swish, silu (the same), or sigmoid.</param>
public sealed class FusedLayerNormGated(
    long hiddenSize, bool elementwiseAffine = true, bool bias = false, double eps = 1e-5, string activation = "swish")
    : GatedNorm(nameof(FusedLayerNormGated), hiddenSize, elementwiseAffine, bias, Normalisation.MeanAndVariance(eps), activation);
