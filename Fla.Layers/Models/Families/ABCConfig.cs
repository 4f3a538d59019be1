using System.Text.Json.Serialization;

namespace Fla.Layers.Models;

/// <summary>Attention with bounded memory control. Peng et al., 2021, arXiv:2110.02488.</summary>
public sealed record ABCConfig : BlockConfig
{
    /// <inheritdoc/>
    public override string ModelType => "abc";

    /// <inheritdoc/>
    [JsonIgnore]
    public override string Family => "ABC";

    /// <summary>Kept for FLA, whose models do not pass it on.</summary>
    public int GateLowRankDim { get; init; } = 16;

    /// <summary>The least logit of a slot.</summary>
    public Number ClampMin { get; init; } = -32;

    /// <summary>The largest logit of a slot.</summary>
    public Number ClampMax { get; init; } = 32;

    /// <summary>The number of heads.</summary>
    public int NumHeads { get; init; } = 4;

    /// <summary>The number of slots of a head; its key size where it is null.</summary>
    public int? NumSlots { get; init; } = 64;

    /// <summary>Whether queries, keys and values go through short convolutions.</summary>
    public bool UseShortConv { get; init; }

    /// <summary>How many tokens a short convolution spans.</summary>
    public int ConvSize { get; init; } = 4;

    /// <summary>The size of all keys as a multiple of the hidden size.</summary>
    public Number ExpandK { get; init; } = 0.5;

    /// <summary>The size of all values as a multiple of the hidden size.</summary>
    public Number ExpandV { get; init; } = 1;

    /// <summary>Whether queries and keys are turned by their positions.</summary>
    public bool UseRope { get; init; } = true;

    /// <summary>Whether the norms of the token mixer have weights.</summary>
    public bool ElementwiseAffine { get; init; } = true;

    private protected override TokenMixer CreateOwnMixer(int layerIdx) => new ABCAttention(
        HiddenSize, ExpandK, ExpandV, NumHeads, UseShortConv, ConvSize, numSlots: NumSlots, elementwiseAffine: ElementwiseAffine,
        normEps: NormEps, useRope: UseRope, clampMin: ClampMin, clampMax: ClampMax, layerIdx: layerIdx);
}
