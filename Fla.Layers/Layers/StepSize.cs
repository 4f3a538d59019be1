using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Fla.Layers;

/// <summary>The step sizes with which layers of continuous time begin.</summary>
internal static class StepSize
{
    /// <summary>
    /// Biases whose softplus is between two steps, evenly in logarithms. Gu and Dao, 2023, arXiv:2312.00752, section 3.6.
    /// </summary>
    public static Parameter Bias(long size, double least = 1e-3, double most = 0.1, double floor = 1e-4)
    {
        var steps = empty(size).uniform_(Math.Log(least), Math.Log(most)).exp().clamp_min(floor);
        return new Parameter(steps + steps.neg().expm1().neg().log());
    }

    /// <summary>Logarithms of decay rates drawn between two bounds.</summary>
    public static Parameter LogRates(long size, double least, double most) => new(empty(size).uniform_(least, most).log());
}
