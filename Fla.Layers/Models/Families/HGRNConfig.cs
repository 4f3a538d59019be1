using System.Text.Json.Serialization;

namespace Fla.Layers.Models;

/// <summary>Hierarchically gated recurrent networks. Qin et al., 2023, arXiv:2311.04823.</summary>
public sealed record HGRNConfig : BlockConfig
{
    /// <inheritdoc/>
    public override string ModelType => "hgrn";

    /// <inheritdoc/>
    [JsonIgnore]
    public override string Family => "HGRN";

    /// <summary>How the recurrence is computed: chunk, fused_chunk, fused_recurrent, or parallel where there is that form.</summary>
    public string AttnMode { get; init; } = "fused_recurrent";

    /// <summary>The size of the recurrence as a multiple of the hidden size.</summary>
    public Number ExpandRatio { get; init; } = 1;

    /// <summary>Whether input and forget gate go through short convolutions.</summary>
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
        if (UseLowerBound && NumHiddenLayers > 1 && ExpandRatio != 1)
            throw new ArgumentException(
                $"use_lower_bound: expected false, for bounds have hidden_size channels and expand_ratio is {ExpandRatio}; came true");
    }

    private protected override TokenMixer CreateOwnMixer(int layerIdx) => new HGRNAttention(
        AttnMode, HiddenSize, ExpandRatio, UseShortConv, ConvSize, elementwiseAffine: ElementwiseAffine, normEps: NormEps,
        layerIdx: layerIdx);
}
