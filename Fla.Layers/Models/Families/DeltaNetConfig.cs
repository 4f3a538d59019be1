using System.Text.Json.Serialization;

namespace Fla.Layers.Models;

/// <summary>The delta rule. Yang et al., 2024, arXiv:2406.06484.</summary>
public sealed record DeltaNetConfig : BlockConfig
{
    /// <inheritdoc/>
    public override string ModelType => "delta_net";

    /// <inheritdoc/>
    [JsonIgnore]
    public override string Family => "DeltaNet";

    /// <summary>How the recurrence is computed: chunk, fused_chunk, fused_recurrent, or parallel where there is that form.</summary>
    public string AttnMode { get; init; } = "chunk";

    /// <summary>The size of all keys as a multiple of the hidden size.</summary>
    public Number ExpandK { get; init; } = 1.0;

    /// <summary>The size of all values as a multiple of the hidden size.</summary>
    public Number ExpandV { get; init; } = 1.0;

    /// <summary>Whether queries, keys and values go through short convolutions.</summary>
    public bool UseShortConv { get; init; } = true;

    /// <summary>How many tokens a short convolution spans.</summary>
    public int ConvSize { get; init; } = 4;

    /// <summary>The number of heads.</summary>
    public int NumHeads { get; init; } = 16;

    /// <summary>Whether the output is gated.</summary>
    public bool UseGate { get; init; }

    /// <summary>Whether each token says how much it writes.</summary>
    public bool UseBeta { get; init; } = true;

    /// <summary>Whether what is written may be twice as much, which lets the transition have negative eigenvalues.</summary>
    public bool AllowNegEigval { get; init; }

    /// <summary>Kept for FLA: the output is normalised.</summary>
    public bool UseOutputNorm { get; init; } = true;

    /// <summary>How queries and keys are normalised: l2 or sum.</summary>
    public string QkNorm { get; init; } = "l2";

    /// <summary>The activation of queries and keys: silu, relu, elu or identity.</summary>
    public string QkActivation { get; init; } = "silu";

    private protected override TokenMixer CreateOwnMixer(int layerIdx) => new DeltaNet(
        AttnMode, null, HiddenSize, ExpandK, ExpandV, NumHeads, UseBeta, UseGate, UseShortConv, ConvSize, allowNegEigval: AllowNegEigval,
        layerIdx: layerIdx, qkActivation: QkActivation, qkNorm: QkNorm, normEps: NormEps);
}
