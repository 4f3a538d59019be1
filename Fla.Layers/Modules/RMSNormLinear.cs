using static TorchSharp.torch;

namespace Fla.Layers.Modules;

internal static class RMSNormLinear
{
    public static Tensor Apply(Tensor x, Tensor? normWeight, Tensor? normBias, Tensor weight, Tensor? bias, double eps = 1e-5)
    {
        var y = Normalisation.RootMeanSquare(Precision.Widen(x), eps);
        if (normWeight is not null)
            y = y * Precision.Widen(normWeight);
        if (normBias is not null)
            y = y.Plus(Precision.Widen(normBias));
        return nn.functional.linear(y.to(x.dtype), weight, bias);
    }
}
