using static TorchSharp.torch;

namespace Fla.Layers.Tests.Layers;

/// <summary>Rotary positions by their formula. Su et al., 2021, arXiv:2104.09864.</summary>
internal static class Rotation
{
    /// <summary>A vector turned by its position: element i with element i + D / 2, by <c>t base^(-2i / D)</c>.</summary>
    public static Tensor Turned(Tensor x, int position, double rotationBase)
    {
        var (half, turned) = ((int)x.shape[0] / 2, x.clone());
        for (var i = 0; i < half; i++)
        {
            var (sine, cosine) = Math.SinCos(position * Math.Pow(rotationBase, -(double)i / half));
            turned[i] = x[i] * cosine - x[i + half] * sine;
            turned[i + half] = x[i] * sine + x[i + half] * cosine;
        }

        return turned;
    }
}
