namespace Fla.Layers.Modules;

/// <summary>Root mean square normalisation: <c>x / sqrt(mean(x^2) + eps)</c>. Zhang and Sennrich, 2019, arXiv:1910.07467.</summary>
/// <param name="hiddenSize">The size of the last dimension.</param>
/// <param name="elementwiseAffine">Whether there is a weight.</param>
/// <param name="bias">Whether there is a bias.</param>
/// <param name="eps">What is added to the mean square.</param>
public sealed class RMSNorm(long hiddenSize, bool elementwiseAffine = true, bool bias = false, double eps = 1e-5)
    : Norm(nameof(RMSNorm), hiddenSize, elementwiseAffine, bias, Normalisation.RootMeanSquare(eps));
