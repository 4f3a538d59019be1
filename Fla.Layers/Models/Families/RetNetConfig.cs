using System.Text.Json.Serialization;

namespace Fla.Layers.Models;

/// <summary>Retentive networks. Sun et al., 2023, arXiv:2307.08621.</summary>
public sealed record RetNetConfig : BlockConfig
{
    /// <inheritdoc/>
    public override string ModelType => "retnet";

    /// <inheritdoc/>
    [JsonIgnore]
    public override string Family => "RetNet";

    /// <summary>How the recurrence is computed: chunk, fused_chunk, fused_recurrent, or parallel where there is that form.</summary>
    public string AttnMode { get; init; } = "chunk";

    /// <summary>The size of all keys as a multiple of the hidden size.</summary>
    public Number ExpandK { get; init; } = 1.0;

    /// <summary>The size of all values as a multiple of the hidden size.</summary>
    public Number ExpandV { get; init; } = 2.0;

    /// <summary>The inner size of the channel mixing as a multiple of the hidden size, where no intermediate size is given.</summary>
    public override Number? HiddenRatio { get; init; } = 2;

    /// <summary>The number of heads.</summary>
    public int NumHeads { get; init; } = 8;

    /// <summary>The number of heads of keys and values; that of queries where it is null.</summary>
    public int? NumKvHeads { get; init; }

    /// <summary>What queries and keys are mapped with, or null.</summary>
    public string? FeatureMap { get; init; }

    /// <summary>Kept for FLA, whose models do not pass it on: there are no short convolutions.</summary>
    public bool UseShortConv { get; init; }

    /// <summary>Kept for FLA, as the short convolutions are.</summary>
    public int ConvSize { get; init; } = 4;

    /// <summary>Whether the output is gated.</summary>
    public bool UseOutputGate { get; init; } = true;

    /// <summary>Whether the norms of the token mixer have weights.</summary>
    public bool ElementwiseAffine { get; init; } = true;

    private protected override TokenMixer CreateOwnMixer(int layerIdx) => new MultiScaleRetention(
        AttnMode, HiddenSize, ExpandK, ExpandV, NumHeads, NumKvHeads, FeatureMap, useOutputGate: UseOutputGate, gateFn: HiddenAct,
        elementwiseAffine: ElementwiseAffine, normEps: NormEps, fuseNorm: FuseNorm, layerIdx: layerIdx);
}
