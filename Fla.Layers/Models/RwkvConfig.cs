using System.Text.Json.Serialization;

namespace Fla.Layers.Models;

/// <summary>What the RWKV families have in common: layer norms, and a channel mixing that looks at the token before.</summary>
public abstract record RwkvConfig : BlockConfig
{
    /// <summary>How the recurrence is computed: chunk, fused_chunk or fused_recurrent.</summary>
    public string AttnMode { get; init; } = "chunk";

    /// <inheritdoc/>
    public override string HiddenAct { get; init; } = "sqrelu";

    /// <summary>Whether the embeddings are normalised.</summary>
    public bool NormFirst { get; init; } = true;

    /// <summary>Whether norms have a bias.</summary>
    public bool NormBias { get; init; } = true;

    /// <inheritdoc/>
    public override Number NormEps { get; init; } = 1e-5;

    /// <summary>The channel mixing is none of these: there is no such field.</summary>
    [JsonIgnore]
    public override bool FuseSwiglu => false;

    /// <summary>There is no such field.</summary>
    [JsonIgnore]
    public override int? AttnresBlockSize => null;

    internal override Modules.Norm CreateFinalNorm() => CreateLayerNorm();

    internal override Block CreateBlock(int layerIdx) => new(
        $"{Family}Block",
        ("attn_norm", CreateLayerNorm()), ("attn", CreateMixer(layerIdx)),
        ("ffn_norm", CreateLayerNorm()), ("ffn", CreateFeedForward(layerIdx)),
        preNorm: NormFirst && layerIdx == 0 ? CreateLayerNorm() : null);

    private protected abstract ChannelMixer CreateFeedForward(int layerIdx);

    /// <summary>The inner size of the channel mixing: the ratio times the hidden size, in steps of 32.</summary>
    private protected long FeedForwardSize(double defaultRatio) =>
        IntermediateSize ?? ((long)(HiddenSize * (HiddenRatio is { } ratio ? (double)ratio : defaultRatio)) + 31) / 32 * 32;

    private Modules.LayerNorm CreateLayerNorm() => new(HiddenSize, bias: NormBias, eps: NormEps) { Fused = FuseNorm };
}
