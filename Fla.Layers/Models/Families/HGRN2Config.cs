using System.Text.Json.Serialization;

namespace Fla.Layers.Models;

/// <summary>HGRN with matrix-valued states. Qin et al., 2024, arXiv:2404.07904.</summary>
public sealed record HGRN2Config : BlockConfig
{
    /// <inheritdoc/>
    public override string ModelType => "hgrn2";

    /// <inheritdoc/>
    [JsonIgnore]
    public override string Family => "HGRN2";

    /// <summary>How the recurrence is computed: chunk, fused_chunk, fused_recurrent, or parallel where there is that form.</summary>
    public string AttnMode { get; init; } = "chunk";

    /// <summary>The number of heads; what the ratio leaves where it is null.</summary>
    public int? NumHeads { get => field ?? (ExpandRatio is > 0 and var ratio ? HiddenSize / ratio : null); init; }

    /// <summary>The size of a head's keys; where it is given, it decides the number of heads.</summary>
    public int? ExpandRatio { get; init; } = 128;

    /// <summary>Whether query, forget gate and input go through short convolutions.</summary>
    public bool UseShortConv { get; init; }

    /// <summary>How many tokens a short convolution spans.</summary>
    public int ConvSize { get; init; } = 4;

    /// <summary>Whether forget gates are bounded from below, by more in higher layers.</summary>
    public bool UseLowerBound { get; init; } = true;

    /// <summary>Whether the norms of the token mixer have weights.</summary>
    public bool ElementwiseAffine { get; init; } = true;

    /// <inheritdoc/>
    internal override bool HasLowerBounds => UseLowerBound;

    internal override void Validate()
    {
        base.Validate();
        if (UseLowerBound && NumHiddenLayers > 1 && ExpandRatio is > 0 and var ratio && HiddenSize % ratio != 0)
            throw new ArgumentException(
                $"use_lower_bound: expected false, for bounds have hidden_size channels and expand_ratio {ratio} does not divide them; " +
                "came true");
    }

    private protected override TokenMixer CreateOwnMixer(int layerIdx) => new HGRN2Attention(
        AttnMode, HiddenSize, NumHeads, ExpandRatio, UseShortConv, ConvSize, elementwiseAffine: ElementwiseAffine, normEps: NormEps,
        layerIdx: layerIdx);
}
