using Fla.Layers.Modules;

namespace Fla.Layers.Models;

/// <summary>The configuration of a model whose blocks mix tokens, then channels, each after a normalisation and onto a residual.</summary>
public abstract record BlockConfig : PretrainedConfig
{
    /// <summary>The inner size of the channel mixing as a multiple of the hidden size, where no intermediate size is given.</summary>
    public virtual Number? HiddenRatio { get; init; } = 4;

    /// <summary>The inner size of the channel mixing, or null for the one that the ratio gives.</summary>
    public virtual int? IntermediateSize { get; init; }

    /// <summary>The longest sequence the model was made for.</summary>
    public int MaxPositionEmbeddings { get; init; } = 2048;

    /// <summary>The layers with softmax attention, or null where there are none.</summary>
    public virtual HybridAttention? Attn { get; init; }

    /// <summary>Whether the channel mixing is printed as fused. It is computed the same.</summary>
    public virtual bool FuseSwiglu { get; init; } = true;

    /// <summary>Residuals that attend to earlier blocks; not supported, so null.</summary>
    public virtual int? AttnresBlockSize { get; init; }

    internal override void Validate()
    {
        base.Validate();
        if (IntermediateSize is { } size) Positive(size, "intermediate_size");
        if (AttnresBlockSize is not null)
            throw new ArgumentException($"attnres_block_size: expected null, the only one supported, came {AttnresBlockSize}");
        Attn?.Validate(NumHiddenLayers);
    }

    internal override Norm CreateFinalNorm() => CreateNorm();

    internal override Block CreateBlock(int layerIdx) => new(
        $"{Family}Block",
        ("attn_norm", CreateNorm()), ("attn", CreateMixer(layerIdx)),
        ("mlp_norm", CreateNorm()), ("mlp", CreateMlp(IntermediateSize)));

    /// <summary>The token mixer of a layer: attention where the configuration says so, else the family's own.</summary>
    private protected TokenMixer CreateMixer(int layerIdx) => Attn?.Of(layerIdx) is { } spec
        ? new Attention(
            HiddenSize, spec.NumHeads, spec.NumKvHeads, spec.QkvBias, windowSize: spec.WindowSize, ropeTheta: spec.RopeTheta,
            maxPositionEmbeddings: MaxPositionEmbeddings, layerIdx: layerIdx)
        : CreateOwnMixer(layerIdx);

    /// <summary>The family's own token mixer.</summary>
    private protected abstract TokenMixer CreateOwnMixer(int layerIdx);

    private protected RMSNorm CreateNorm() => new(HiddenSize, eps: NormEps) { Fused = FuseNorm };

    private protected GatedMLP CreateMlp(int? intermediateSize) =>
        new(HiddenSize, HiddenRatio is { } ratio ? (double)ratio : null, intermediateSize, HiddenAct, FuseSwiglu);
}
