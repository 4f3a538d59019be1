using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Fla.Layers.Modules;

/// <summary>A map without a bias, or one through a bottleneck in its place.</summary>
internal sealed class Projection(long inputDim, long outputDim, long? lowRankDim)
{
    // A factor that makes the layers of RWKV begin quietly.
    private static readonly double Gain = Math.Pow(2, -2.5);

    public nn.Module<Tensor, Tensor> Module { get; } =
        lowRankDim is { } rank ? new LoRA(inputDim, outputDim, rank) : Full(inputDim, outputDim);

    /// <summary>A map without a bias, as those of RWKV-6 begin.</summary>
    public static Linear Full(long inputDim, long outputDim)
    {
        var linear = nn.Linear(inputDim, outputDim, hasBias: false);
        nn.init.xavier_uniform_(linear.weight!, Gain);
        return linear;
    }

    /// <summary>PyTorch's line for a module that consists of it.</summary>
    public string Line(string name) =>
        $"{name}({inputDim}, {outputDim}{(lowRankDim is { } rank ? $", low_rank_dim={rank}" : "")})";
}
