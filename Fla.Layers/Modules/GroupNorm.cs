using static TorchSharp.torch;

namespace Fla.Layers.Modules;

/// <summary>
/// Normalisation of groups of neighbouring channels of each token by themselves, by mean and variance or by root mean square. Wu and
/// He, 2018, arXiv:1803.08494, with a group's statistics taken from one token.
/// </summary>
public sealed class GroupNorm : Norm
{
    private readonly long numGroups;
    private readonly bool isRmsNorm;

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
        : base(nameof(GroupNorm), hiddenSize, elementwiseAffine, bias, eps)
    {
        this.numGroups = CheckedGroups(numGroups, hiddenSize);
        this.isRmsNorm = isRmsNorm;
    }

    /// <summary>PyTorch's line for it.</summary>
    public override string ToString() => Fused
        ? Line(this, numGroups, isRmsNorm)
        : $"{GetName()}({numGroups}, {HiddenSize}, eps={PythonText.Of(Eps)}, affine={PythonText.Of(ElementwiseAffine)})";

    internal static long CheckedGroups(long numGroups, long hiddenSize) =>
        numGroups >= 1 && hiddenSize % numGroups == 0
            ? numGroups
            : throw new ArgumentException(
                $"{nameof(numGroups)}: expected a number of groups that divides the {hiddenSize} channels, came {numGroups}.",
                nameof(numGroups));

    internal static string Line(Norm norm, long groups, bool isRmsNorm) =>
        $"{norm.GetName()}({groups}, {norm.HiddenSize}{(norm.ElementwiseAffine ? "" : ", elementwise_affine=False")}" +
        $"{(isRmsNorm ? ", is_rms_norm=True" : "")}, eps={PythonText.Of(norm.Eps)})";

    internal static Tensor Normalised(Tensor wide, long groups, bool isRmsNorm, double eps) => Normalisation.InGroups(
        wide, groups, group => isRmsNorm ? Normalisation.RootMeanSquare(group, eps) : Normalisation.MeanAndVariance(group, eps));

    private protected override Tensor Normalised(Tensor wide) => Normalised(wide, numGroups, isRmsNorm, Eps);
}
