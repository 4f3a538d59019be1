using System.Text.Json.Serialization;
using Fla.Layers.Modules;

namespace Fla.Layers.Models;

/// <summary>RWKV-6 (Finch). Peng et al., 2024, arXiv:2404.05892.</summary>
public sealed record RWKV6Config : RwkvConfig
{
    /// <inheritdoc/>
    public override string ModelType => "rwkv6";

    /// <inheritdoc/>
    [JsonIgnore]
    public override string Family => "RWKV6";

    /// <summary>The size of all keys as a multiple of the hidden size.</summary>
    public Number ExpandK { get; init; } = 0.5;

    /// <summary>The size of all values as a multiple of the hidden size.</summary>
    public Number ExpandV { get; init; } = 1.0;

    /// <inheritdoc/>
    public override Number? HiddenRatio { get; init; } = 3.5;

    /// <summary>The number of heads.</summary>
    public int NumHeads { get; init; } = 4;

    /// <summary>The bottleneck of what mixes each token with the one before it.</summary>
    public int ProjLowRankDim { get; init; } = 32;

    /// <summary>The bottleneck of the decay.</summary>
    public int GateLowRankDim { get; init; } = 64;

    private protected override TokenMixer CreateOwnMixer(int layerIdx) => new RWKV6Attention(
        AttnMode, HiddenSize, ExpandK, ExpandV, NumHeads, projLowRankDim: ProjLowRankDim, gateLowRankDim: GateLowRankDim,
        normEps: NormEps, layerIdx: layerIdx);

    private protected override ChannelMixer CreateFeedForward(int layerIdx) =>
        new RWKV6FeedForward(HiddenSize, FeedForwardSize(3.5), Activations.Get(HiddenAct), layerIdx);
}
