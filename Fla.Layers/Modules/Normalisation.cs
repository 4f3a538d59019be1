using static TorchSharp.torch;

namespace Fla.Layers.Modules;

/// <summary>
/// A normalisation of the last axis, <c>(x - m) / sqrt(share sum((x - m)^2) + eps)</c>, or of each of some groups of neighbouring
/// channels by itself.
/// </summary>
/// <param name="Centres">Whether m is the mean; else it is 0.</param>
/// <param name="Averages">Whether the squares are averaged; else they are summed up.</param>
/// <param name="Eps">What is added to them.</param>
/// <param name="Groups">The number of groups.</param>
internal sealed record Normalisation(bool Centres, bool Averages, double Eps, long Groups)
{
    /// <summary><c>x / sqrt(mean(x^2) + eps)</c></summary>
    public static Normalisation RootMeanSquare(double eps, long groups = 1) => new(Centres: false, Averages: true, eps, groups);

    /// <summary><c>(x - mean(x)) / sqrt(var(x) + eps)</c></summary>
    public static Normalisation MeanAndVariance(double eps, long groups = 1) => new(Centres: true, Averages: true, eps, groups);

    /// <summary><c>x / sqrt(sum(x^2) + eps)</c></summary>
    public static Normalisation UnitLength(double eps) => new(Centres: false, Averages: false, eps, Groups: 1);

    /// <summary>Normalises.</summary>
    /// <param name="wide"><c>[.., D]</c>, in the type that sums are computed in.</param>
    public Tensor Of(Tensor wide) =>
        Groups == 1 ? OfRows(wide) : OfRows(wide.reshape([.. wide.shape[..^1], Groups, wide.shape[^1] / Groups])).flatten(-2);

    private Tensor OfRows(Tensor wide)
    {
        if (Centres)
            return nn.functional.layer_norm(wide, [wide.shape[^1]], eps: Eps);
        var squares = wide * wide;
        return wide * (Averages ? squares.mean([-1], keepdim: true) : squares.sum(-1, keepdim: true)).Plus(Eps).rsqrt();
    }
}
