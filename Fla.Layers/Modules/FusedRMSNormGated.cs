namespace Fla.Layers.Modules;

/// <summary>Root mean square normalisation and a gate: what follows the recurrence in most token mixers.</summary>
/// <param name="hiddenSize">The size of the last dimension.</param>
/// <param name="elementwiseAffine">Whether there is a weight.</param>
/// <param name="eps">What is added to the mean square.</param>
/// <param name="activation">How the gate is bent: swish, silu (the same), or sigmoid.</param>
public sealed class FusedRMSNormGated(long hiddenSize, bool elementwiseAffine = true, double eps = 1e-5, string activation = "swish")
    : GatedNorm(nameof(FusedRMSNormGated), hiddenSize, elementwiseAffine, bias: false, Normalisation.RootMeanSquare(eps), activation);
