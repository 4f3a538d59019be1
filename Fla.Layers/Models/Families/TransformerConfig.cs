using System.Text.Json.Serialization;

namespace Fla.Layers.Models;

/// <summary>A transformer with rotary embedding and gated feed-forward layers. Touvron et al., 2023, arXiv:2302.13971.</summary>
public sealed record TransformerConfig : BlockConfig
{
    /// <inheritdoc/>
    public override string ModelType => "transformer";

    /// <inheritdoc/>
    [JsonIgnore]
    public override string Family => "Transformer";

    /// <summary>The number of heads of queries.</summary>
    public int NumHeads { get; init; } = 32;

    /// <summary>The number of heads of keys and values; that of queries where it is null.</summary>
    public int? NumKvHeads { get; init; }

    /// <summary>Whether the projections to queries, keys and values have a bias.</summary>
    public bool QkvBias { get; init; }

    /// <summary>Whether queries and keys are normalised by head.</summary>
    public bool QkNorm { get; init; }

    /// <summary>How many tokens a token sees, itself included; all before it where it is null.</summary>
    public int? WindowSize { get; init; }

    /// <summary>The base of the rotary embedding.</summary>
    public Number RopeTheta { get; init; } = 10000.0;

    /// <summary>Kept for FLA; norms have weights.</summary>
    public bool ElementwiseAffine { get; init; } = true;

    /// <summary>Every layer has attention: there is no such field.</summary>
    [JsonIgnore]
    public override HybridAttention? Attn => null;

    private protected override TokenMixer CreateOwnMixer(int layerIdx) => new Attention(
        HiddenSize, NumHeads, NumKvHeads, QkvBias, QkNorm, WindowSize, RopeTheta, MaxPositionEmbeddings, layerIdx);
}
