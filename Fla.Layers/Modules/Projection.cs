using static TorchSharp.torch;

namespace Fla.Layers.Modules;

/// <summary>A map without a bias, or one through a bottleneck in its place.</summary>
internal sealed class Projection(long inputDim, long outputDim, long? lowRankDim)
{
    public nn.Module<Tensor, Tensor> Module { get; } =
        lowRankDim is { } rank ? new LoRA(inputDim, outputDim, rank) : nn.Linear(inputDim, outputDim, hasBias: false);

    /// <summary>PyTorch's line for a module that consists of it.</summary>
    public string Line(string name) =>
        $"{name}({inputDim}, {outputDim}{(lowRankDim is { } rank ? $", low_rank_dim={rank}" : "")})";
}
