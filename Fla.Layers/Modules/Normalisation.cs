using static TorchSharp.torch;

namespace Fla.Layers.Modules;

/// <summary>Normalisations of the last axis, of tensors in the type that sums are computed in.</summary>
internal static class Normalisation
{
    /// <summary><c>x / sqrt(mean(x^2) + eps)</c></summary>
    public static Tensor RootMeanSquare(Tensor wide, double eps) => wide * (wide * wide).mean([-1], keepdim: true).Plus(eps).rsqrt();

    /// <summary><c>(x - mean(x)) / sqrt(var(x) + eps)</c></summary>
    public static Tensor MeanAndVariance(Tensor wide, double eps) => nn.functional.layer_norm(wide, [wide.shape[^1]], eps: eps);

    /// <summary>Normalises each of some groups of neighbouring channels by itself.</summary>
    public static Tensor InGroups(Tensor wide, long groups, Func<Tensor, Tensor> normalise) =>
        normalise(wide.reshape([.. wide.shape[..^1], groups, wide.shape[^1] / groups])).flatten(-2);

    /// <summary>What is normalised, times a weight and plus a bias for each channel, where there are.</summary>
    public static Tensor Affine(Tensor normalised, Tensor? weight, Tensor? bias)
    {
        var y = weight is null ? normalised : normalised * Precision.Widen(weight);
        return bias is null ? y : y.Plus(Precision.Widen(bias));
    }
}
