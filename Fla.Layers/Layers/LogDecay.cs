using Fla.Dsl.Runtime;
using Fla.Layers.Modules;
using static TorchSharp.torch;

namespace Fla.Layers;

/// <summary>The forms in which layers compute the logarithms of their decays, in fp32.</summary>
internal static class LogDecay
{
    /// <summary><c>log sigmoid(x) / temperature</c></summary>
    public static Tensor FromLogits(Tensor x, double temperature = 1) =>
        nn.functional.logsigmoid(Precision.Widen(x)).Times(1 / temperature);

    /// <summary>The same with sigmoids above a bound: <c>log(b + (1 - b) sigmoid(x))</c>. Qin et al., 2023, arXiv:2311.04823.</summary>
    public static Tensor FromLogits(Tensor x, Tensor lowerBound)
    {
        var bound = Precision.Widen(lowerBound);
        return logaddexp(bound.log(), bound.neg().log1p().Plus(FromLogits(x)));
    }

    /// <summary>A step of a continuous decay, <c>-e^A softplus(dt + bias)</c>. Dao and Gu, 2024, arXiv:2405.21060.</summary>
    public static Tensor FromStep(Tensor dt, Tensor bias, Tensor logA) =>
        Precision.Widen(logA).exp().neg() * Tiles.Softplus(Precision.Widen(dt).Plus(Precision.Widen(bias)));
}
