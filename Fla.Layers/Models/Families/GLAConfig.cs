using System.Text.Json.Serialization;

namespace Fla.Layers.Models;

/// <summary>Gated linear attention. Yang et al., 2024, arXiv:2312.06635.</summary>
public sealed record GLAConfig : BlockConfig
{
    /// <inheritdoc/>
    public override string ModelType => "gla";

    /// <inheritdoc/>
    [JsonIgnore]
    public override string Family => "GLA";

    /// <summary>The size of all keys as a multiple of the hidden size.</summary>
    public Number ExpandK { get; init; } = 0.5;

    /// <summary>The size of all values as a multiple of the hidden size.</summary>
    public Number ExpandV { get; init; } = 1.0;

    /// <summary>The number of heads.</summary>
    public int NumHeads { get; init; } = 4;

    /// <summary>The number of heads of keys and values; that of queries where it is null.</summary>
    public int? NumKvHeads { get; init; }

    /// <summary>What queries and keys are mapped with, or null.</summary>
    public string? FeatureMap { get; init; }

    /// <summary>How the recurrence is computed: chunk, fused_chunk, fused_recurrent, or parallel where there is that form.</summary>
    public string AttnMode { get; init; } = "chunk";

    /// <summary>Whether queries, keys and values go through short convolutions.</summary>
    public bool UseShortConv { get; init; }

    /// <summary>How many tokens a short convolution spans.</summary>
    public int ConvSize { get; init; } = 4;

    /// <summary>Whether the output is gated.</summary>
    public bool UseOutputGate { get; init; } = true;

    /// <summary>The least log decay, or null.</summary>
    public Number? ClampMin { get; init; }

    /// <summary>Kept for FLA: decay is by keys.</summary>
    public bool UseGk { get; init; } = true;

    /// <summary>Kept for FLA: decay is not by values.</summary>
    public bool UseGv { get; init; }

    /// <summary>Whether the norms of the token mixer have weights.</summary>
    public bool ElementwiseAffine { get; init; } = true;

    private protected override TokenMixer CreateOwnMixer(int layerIdx) => new GatedLinearAttention(
        AttnMode, HiddenSize, ExpandK, ExpandV, NumHeads, NumKvHeads, FeatureMap, UseShortConv, ConvSize, useOutputGate: UseOutputGate,
        gateFn: HiddenAct, elementwiseAffine: ElementwiseAffine, normEps: NormEps, clampMin: (double?)ClampMin, fuseNorm: FuseNorm,
        layerIdx: layerIdx);
}
