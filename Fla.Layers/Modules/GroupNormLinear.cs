namespace Fla.Layers.Modules;

/// <summary>Normalisation of groups of channels and a linear map.</summary>
public sealed class GroupNormLinear : NormLinear
{
    /// <summary>Makes one.</summary>
    /// <param name="numGroups">The number of groups.</param>
    /// <param name="hiddenSize">The size of the last dimension.</param>
    /// <param name="elementwiseAffine">Whether the norm has a weight.</param>
    /// <param name="bias">Whether the norm has a bias.</param>
    /// <param name="eps">What is added to the variance or mean square.</param>
    /// <param name="isRmsNorm">Whether the mean stays.</param>
    /// <exception cref="ArgumentException">The groups do not divide the channels.</exception>
    public GroupNormLinear(
        long numGroups, long hiddenSize, bool elementwiseAffine = true, bool bias = false, double eps = 1e-5, bool isRmsNorm = false)
        : base(nameof(GroupNormLinear), hiddenSize, elementwiseAffine, bias, GroupNorm.InGroups(numGroups, hiddenSize, isRmsNorm, eps))
    {
    }

    /// <summary>PyTorch's line for it.</summary>
    public override string ToString() => GroupNorm.Line(this, Function.Normalisation);
}
