namespace Fla.Layers.Modules;

/// <summary>
/// Normalisation of groups of neighbouring channels of each token by themselves, by mean and variance or by root mean square. Wu and
/// He, 2018, arXiv:1803.08494, with a group's statistics taken from one token.
/// </summary>
public sealed class GroupNorm : Norm
{
    /// <summary>Makes one.</summary>
    /// <param name="numGroups">The number of groups.</param>
    /// <param name="hiddenSize">The size of the last dimension.</param>
    /// <param name="elementwiseAffine">Whether there is a weight.</param>
    /// <param name="bias">Whether there is a bias.</param>
    /// <param name="eps">What is added to the variance or mean square.</param>
    /// <param name="isRmsNorm">Whether the mean stays.</param>
    /// <exception cref="ArgumentException">The groups do not divide the channels.</exception>
    public GroupNorm(
        long numGroups, long hiddenSize, bool elementwiseAffine = true, bool bias = false, double eps = 1e-5, bool isRmsNorm = false)
        : base(nameof(GroupNorm), hiddenSize, elementwiseAffine, bias, InGroups(numGroups, hiddenSize, isRmsNorm, eps))
    {
    }

    /// <summary>PyTorch's line for it.</summary>
    public override string ToString() => Fused
        ? Line(this, Function.Normalisation)
        : $"{GetName()}({Function.Normalisation.Groups}, {HiddenSize}, eps={PythonText.Of(Eps)}, " +
            $"affine={PythonText.Of(ElementwiseAffine)})";

    internal static Normalisation InGroups(long numGroups, long hiddenSize, bool isRmsNorm, double eps)
    {
        if (numGroups < 1 || hiddenSize % numGroups != 0)
            throw new ArgumentException(
                $"{nameof(numGroups)}: expected a number of groups that divides the {hiddenSize} channels, came {numGroups}.",
                nameof(numGroups));
        return isRmsNorm ? Normalisation.RootMeanSquare(eps, numGroups) : Normalisation.MeanAndVariance(eps, numGroups);
    }

    internal static string Line(Norm norm, Normalisation normalisation) =>
        $"{norm.GetName()}({normalisation.Groups}, {norm.HiddenSize}{(norm.ElementwiseAffine ? "" : ", elementwise_affine=False")}" +
        $"{(normalisation.Centres ? "" : ", is_rms_norm=True")}, eps={PythonText.Of(norm.Eps)})";
}
