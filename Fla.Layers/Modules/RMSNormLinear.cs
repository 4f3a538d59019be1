using static TorchSharp.torch;

namespace Fla.Layers.Modules;

/// <summary>Root mean square normalisation and a linear map.</summary>
/// <param name="hiddenSize">The size of the last dimension.</param>
/// <param name="elementwiseAffine">Whether the norm has a weight.</param>
/// <param name="bias">Whether the norm has a bias.</param>
/// <param name="eps">What is added to the mean square.</param>
public sealed class RMSNormLinear(long hiddenSize, bool elementwiseAffine = true, bool bias = false, double eps = 1e-5)
    : NormLinear(nameof(RMSNormLinear), hiddenSize, elementwiseAffine, bias, Normalisation.RootMeanSquare(eps))
{
    private static readonly NormFunction Default = new(Normalisation.RootMeanSquare(1e-5));

    /// <summary>
    /// The norm of a module and a projection after it as mixers call them: with the default epsilon, whatever the module has, as models
    /// of these kinds have been trained.
    /// </summary>
    internal static Tensor Apply(Tensor x, RMSNorm norm, TorchSharp.Modules.Linear projection) =>
        Apply(Default, x, norm.weight, norm.bias, projection.weight!, projection.bias);
}
