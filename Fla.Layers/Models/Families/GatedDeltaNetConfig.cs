using System.Text.Json.Serialization;

namespace Fla.Layers.Models;

/// <summary>The gated delta rule. Yang et al., 2024, arXiv:2412.06464.</summary>
public sealed record GatedDeltaNetConfig : BlockConfig
{
    /// <inheritdoc/>
    public override string ModelType => "gated_deltanet";

    /// <inheritdoc/>
    [JsonIgnore]
    public override string Family => "GatedDeltaNet";

    /// <summary>How the recurrence is computed: chunk, fused_chunk, fused_recurrent, or parallel where there is that form.</summary>
    public string AttnMode { get; init; } = "chunk";

    /// <summary>The number of layers.</summary>
    public override int NumHiddenLayers { get; init; } = 21;

    /// <summary>The size of a head's values as a multiple of its key size.</summary>
    public Number ExpandV { get; init; } = 2.0;

    /// <summary>Whether the output is gated.</summary>
    public bool UseGate { get; init; } = true;

    /// <summary>Whether queries, keys and values go through short convolutions.</summary>
    public bool UseShortConv { get; init; } = true;

    /// <summary>Whether what is written may be twice as much, which lets the transition have negative eigenvalues.</summary>
    public bool AllowNegEigval { get; init; }

    /// <summary>How many tokens a short convolution spans.</summary>
    public int ConvSize { get; init; } = 4;

    /// <summary>The size of a head's keys.</summary>
    public int HeadDim { get; init; } = 256;

    /// <summary>The number of heads.</summary>
    public int NumHeads { get; init; } = 6;

    /// <summary>The number of heads of values, a multiple of that of keys; the same where it is null.</summary>
    public int? NumVHeads { get; init; }

    private protected override TokenMixer CreateOwnMixer(int layerIdx) => new GatedDeltaNet(
        HiddenSize, ExpandV, HeadDim, NumHeads, NumVHeads, AttnMode, UseGate, UseShortConv, AllowNegEigval, ConvSize, layerIdx: layerIdx,
        normEps: NormEps);
}
