using System.Text.Json.Serialization;

namespace Fla.Layers.Models;

/// <summary>Gated slot attention. Zhang et al., 2024, arXiv:2409.07146.</summary>
public sealed record GSAConfig : BlockConfig
{
    /// <inheritdoc/>
    public override string ModelType => "gsa";

    /// <inheritdoc/>
    [JsonIgnore]
    public override string Family => "GSA";

    /// <summary>What the logits of the forget gate are divided by.</summary>
    public Number GateLogitNormalizer { get; init; } = 8;

    /// <summary>Kept for FLA, without effect.</summary>
    public Number? ClampMin { get; init; }

    /// <summary>Kept for FLA, without effect.</summary>
    public Number? ClampMax { get; init; }

    /// <summary>The number of heads.</summary>
    public int NumHeads { get; init; } = 4;

    /// <summary>The number of heads of keys and values; that of queries where it is null.</summary>
    public int? NumKvHeads { get; init; }

    /// <summary>The number of slots of a head; its key size where it is null.</summary>
    public int? NumSlots { get; init; } = 64;

    /// <summary>Whether queries, keys and values go through short convolutions.</summary>
    public bool UseShortConv { get; init; }

    /// <summary>How many tokens a short convolution spans.</summary>
    public int ConvSize { get; init; } = 4;

    /// <summary>The size of all keys as a multiple of the hidden size.</summary>
    public Number ExpandK { get; init; } = 1;

    /// <summary>The size of all values as a multiple of the hidden size.</summary>
    public Number ExpandV { get; init; } = 1;

    /// <summary>What queries and keys are mapped with, or null.</summary>
    public string FeatureMap { get; init; } = "swish";

    /// <summary>Kept for FLA: there is no output gate.</summary>
    public bool UseOutputGate { get; init; }

    /// <summary>Kept for FLA: the output is normalised.</summary>
    public bool UseNorm { get; init; } = true;

    /// <summary>Whether the norms of the token mixer have weights.</summary>
    public bool ElementwiseAffine { get; init; } = true;

    private protected override TokenMixer CreateOwnMixer(int layerIdx) => new GatedSlotAttention(
        "chunk", HiddenSize, ExpandK, ExpandV, NumHeads, NumKvHeads, UseShortConv, ConvSize, numSlots: NumSlots,
        elementwiseAffine: ElementwiseAffine, normEps: NormEps, gateLogitNormalizer: GateLogitNormalizer, featureMap: FeatureMap,
        layerIdx: layerIdx);
}
