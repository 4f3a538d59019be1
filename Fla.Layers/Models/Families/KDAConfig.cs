using System.Text.Json.Serialization;

namespace Fla.Layers.Models;

/// <summary>Kimi delta attention. Kimi Team, 2025, arXiv:2510.26692.</summary>
public sealed record KDAConfig : BlockConfig
{
    /// <inheritdoc/>
    public override string ModelType => "kda";

    /// <inheritdoc/>
    [JsonIgnore]
    public override string Family => "KDA";

    /// <summary>How the recurrence is computed: chunk, fused_chunk, fused_recurrent, or parallel where there is that form.</summary>
    public string AttnMode { get; init; } = "chunk";

    /// <summary>The size of a head's values as a multiple of its key size.</summary>
    public Number ExpandV { get; init; } = 1.0;

    /// <summary>Whether queries, keys and values go through short convolutions.</summary>
    public bool UseShortConv { get; init; } = true;

    /// <summary>Whether what is written may be twice as much, which lets the transition have negative eigenvalues.</summary>
    public bool AllowNegEigval { get; init; }

    /// <summary>Whether log decays are bounded from below.</summary>
    public bool SafeGate { get; init; }

    /// <summary>The bound of a safe gate.</summary>
    public Number? LowerBound { get; init; }

    /// <summary>How many tokens a short convolution spans.</summary>
    public int ConvSize { get; init; } = 4;

    /// <summary>The size of a head's keys.</summary>
    public int HeadDim { get; init; } = 128;

    /// <summary>The number of heads.</summary>
    public int NumHeads { get; init; } = 16;

    /// <summary>The number of heads of values, a multiple of that of keys; the same where it is null.</summary>
    public int? NumVHeads { get; init; }

    /// <summary>The family has no such field.</summary>
    [JsonIgnore]
    public override bool FuseLinearCrossEntropy => false;

    internal override void Validate()
    {
        base.Validate();
        if (SafeGate && LowerBound is null)
            throw new ArgumentException("lower_bound: expected a number where safe_gate is true, came null");
    }

    private protected override TokenMixer CreateOwnMixer(int layerIdx) => new KimiDeltaAttention(
        HiddenSize, ExpandV, HeadDim, NumHeads, NumVHeads, AttnMode, UseShortConv, AllowNegEigval, SafeGate, (double?)LowerBound,
        ConvSize, layerIdx: layerIdx, normEps: NormEps);
}
