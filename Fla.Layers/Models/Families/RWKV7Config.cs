using System.Text.Json.Serialization;
using Fla.Layers.Modules;

namespace Fla.Layers.Models;

/// <summary>RWKV-7 (Goose). Peng et al., 2025, arXiv:2503.14456.</summary>
public sealed record RWKV7Config : RwkvConfig
{
    /// <inheritdoc/>
    public override string ModelType => "rwkv7";

    /// <inheritdoc/>
    [JsonIgnore]
    public override string Family => "RWKV7";

    /// <summary>The size of a head.</summary>
    public int? HeadDim { get => field ?? (numHeads is > 0 and var heads ? HiddenSize / heads : null); init; } = 64;

    /// <summary>The number of heads; what the size of a head leaves where it is null.</summary>
    public int? NumHeads { get => numHeads ?? (HeadDim is > 0 and var size ? HiddenSize / size : null); init => numHeads = value; }

    /// <summary>The bottleneck of the decay; null for one that fits the size.</summary>
    public int? DecayLowRankDim { get; init; } = 64;

    /// <summary>The bottleneck of the output gate; null for one that fits the size.</summary>
    public int? GateLowRankDim { get; init; } = 128;

    /// <summary>The bottleneck of the learning rate; null for one that fits the size.</summary>
    public int? ALowRankDim { get; init; } = 64;

    /// <summary>The bottleneck of what mixes values with the first layer's; null for one that fits the size.</summary>
    public int? VLowRankDim { get; init; } = 16;

    /// <inheritdoc/>
    public override bool UseL2warp { get; init; } = true;

    /// <summary>The size of each layer's values; the hidden size where it is null.</summary>
    public LayerSizes? ValueDim { get => field ?? new LayerSizes([.. Enumerable.Repeat(HiddenSize, NumHiddenLayers)]); init; }

    private readonly int? numHeads;

    internal override void Validate()
    {
        base.Validate();
        var sizes = ValueDim!.Sizes;
        if (sizes.Count != 1 && sizes.Count != NumHiddenLayers)
            throw new ArgumentException($"value_dim: expected one size or {NumHiddenLayers}, came {sizes.Count}");
        if (sizes.FirstOrDefault(size => size < HiddenSize || size % HiddenSize != 0) is > 0 and var wrong)
            throw new ArgumentException($"value_dim: expected multiples of hidden_size {HiddenSize}, came {wrong}");
    }

    private protected override TokenMixer CreateOwnMixer(int layerIdx) => new RWKV7Attention(
        AttnMode, HiddenSize, HeadDim, NumHeads, DecayLowRankDim, GateLowRankDim, ALowRankDim, VLowRankDim, normEps: NormEps,
        layerIdx: layerIdx, fuseNorm: FuseNorm, valueDim: ValueDim!.Of(layerIdx), numHiddenLayers: NumHiddenLayers);

    private protected override ChannelMixer CreateFeedForward(int layerIdx) =>
        new RWKV7FeedForward(HiddenSize, FeedForwardSize(4), Activations.Get(HiddenAct), layerIdx, NumHiddenLayers);
}
