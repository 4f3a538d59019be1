using System.Text.Json.Serialization;

namespace Fla.Layers.Models;

/// <summary>Mamba-2. Dao and Gu, 2024, arXiv:2405.21060.</summary>
public sealed record Mamba2Config : StateSpaceConfig
{
    /// <inheritdoc/>
    public override string ModelType => "mamba2";

    /// <inheritdoc/>
    [JsonIgnore]
    public override string Family => "Mamba2";

    /// <summary>The size of a head.</summary>
    public int HeadDim { get; init; } = 64;

    /// <summary>The number of heads: the inner size by the size of a head.</summary>
    public int? NumHeads { get => field ?? (HeadDim > 0 ? (int)(Expand * HiddenSize) / HeadDim : null); init; }

    /// <summary>The size of a channel's state.</summary>
    public int StateSize { get; init; } = 128;

    /// <summary>How many groups of heads have keys and queries of their own.</summary>
    public int NGroups { get; init; } = 1;

    /// <summary>The bound of the convolution's first weights, or null.</summary>
    public Number? ConvInit { get; init; }

    /// <summary>Between what the first decay rates are drawn.</summary>
    [JsonPropertyName("A_init_range")]
    public IReadOnlyList<Number> AInitRange { get; init; } = [1, 16];

    /// <summary>Whether each channel of a head has its own share of the input in the output.</summary>
    [JsonPropertyName("D_has_hdim")]
    public bool DHasHdim { get; init; }

    /// <summary>Between what steps are kept.</summary>
    public IReadOnlyList<Number> DtLimit { get; init; } = [0.0, double.PositiveInfinity];

    /// <summary>Whether the residual is added in fp32.</summary>
    public bool ResidualInFp32 { get; init; } = true;

    /// <summary>Whether fresh output projections are scaled down by the root of the number of layers.</summary>
    public bool RescalePrenormResidual { get; init; } = true;

    /// <summary>Whether the output is normalised.</summary>
    public bool Rmsnorm { get; init; } = true;

    /// <summary>Whether the output is normalised before it is gated.</summary>
    public bool NormBeforeGate { get; init; }

    /// <summary>Kept for FLA: how long chunks are is the op's business.</summary>
    public int ChunkSize { get; init; } = 256;

    [JsonIgnore]
    internal override bool RescalesOutput => RescalePrenormResidual;

    internal override void Validate()
    {
        base.Validate();
        Range(AInitRange, "A_init_range", 0);
        Range(DtLimit, "dt_limit", 0);
        if (!(DtMin > 0 && DtMin <= DtMax))
            throw new ArgumentException($"dt_min, dt_max: expected 0 < dt_min <= dt_max, came {DtMin} and {DtMax}");
    }

    internal override Block CreateBlock(int layerIdx) => CreateBlock(CreateMamba2(layerIdx), ResidualInFp32);

    private TokenMixer CreateMamba2(int layerIdx) => new Mamba2(
        NumHeads, HeadDim, HiddenSize, StateSize, Expand, NGroups, ConvKernel, (double?)ConvInit, UseConvBias, HiddenAct,
        (AInitRange[0], AInitRange[1]), DHasHdim, Rmsnorm, NormBeforeGate, DtMin, DtMax, DtInitFloor, (DtLimit[0], DtLimit[1]),
        UseBias, NormEps, layerIdx);

    private static void Range(IReadOnlyList<Number> range, string field, double least)
    {
        if (range.Count != 2 || !(range[0] >= least && range[0] <= range[1]))
            throw new ArgumentException($"{field}: expected two numbers from {least} on in rising order, came {string.Join(", ", range)}");
    }
}
