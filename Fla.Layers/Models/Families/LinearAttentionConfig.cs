using System.Text.Json.Serialization;

namespace Fla.Layers.Models;

/// <summary>Linear attention. Katharopoulos et al., 2020, arXiv:2006.16236.</summary>
public sealed record LinearAttentionConfig : BlockConfig
{
    /// <inheritdoc/>
    public override string ModelType => "linear_attn";

    /// <inheritdoc/>
    [JsonIgnore]
    public override string Family => "LinearAttention";

    /// <summary>How the recurrence is computed: chunk, fused_chunk, fused_recurrent, or parallel where there is that form.</summary>
    public string AttnMode { get; init; } = "fused_chunk";

    /// <summary>The size of all keys as a multiple of the hidden size.</summary>
    public Number ExpandK { get; init; } = 1.0;

    /// <summary>The size of all values as a multiple of the hidden size.</summary>
    public Number ExpandV { get; init; } = 1.0;

    /// <summary>The number of heads.</summary>
    public int NumHeads { get; init; } = 4;

    /// <summary>The number of heads of keys and values; that of queries where it is null.</summary>
    public int? NumKvHeads { get; init; }

    /// <summary>What queries and keys are mapped with, or null.</summary>
    public string FeatureMap { get; init; } = "elementwise_product";

    /// <summary>Whether queries and keys share their map.</summary>
    public bool TieFeatureMapQk { get; init; }

    /// <summary>Whether mapped queries are divided by their sum.</summary>
    public bool NormQ { get; init; }

    /// <summary>Whether mapped keys are divided by their sum.</summary>
    public bool NormK { get; init; }

    /// <summary>Whether the output is divided by the sum of its weights.</summary>
    public bool NormFeatureMap { get; init; }

    /// <summary>Whether the norms of the token mixer have weights.</summary>
    public bool ElementwiseAffine { get; init; } = true;

    private protected override TokenMixer CreateOwnMixer(int layerIdx) => new LinearAttention(
        AttnMode, HiddenSize, ExpandK, ExpandV, NumHeads, NumKvHeads, FeatureMap, TieFeatureMapQk, normQ: NormQ, normK: NormK,
        doFeatureMapNorm: NormFeatureMap, elementwiseAffine: ElementwiseAffine, normEps: NormEps, layerIdx: layerIdx);
}
