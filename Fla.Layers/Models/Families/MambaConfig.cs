using System.Text.Json.Serialization;

namespace Fla.Layers.Models;

/// <summary>Mamba. Gu and Dao, 2023, arXiv:2312.00752.</summary>
public sealed record MambaConfig : StateSpaceConfig
{
    /// <inheritdoc/>
    public override string ModelType => "mamba";

    /// <inheritdoc/>
    [JsonIgnore]
    public override string Family => "Mamba";

    /// <summary>The size of a channel's state.</summary>
    public int StateSize { get; init; } = 16;

    /// <summary>The inner size; that which the expansion gives where it is null.</summary>
    public int? IntermediateSize { get => field ?? (int)(Expand * HiddenSize); init; }

    /// <summary>The bottleneck of the steps; a sixteenth of the hidden size where it is null.</summary>
    [JsonConverter(typeof(AutoSizeJson))]
    public int? DtRank { get => field ?? (HiddenSize + 15) / 16; init; }

    /// <summary>What the first weights of the steps are multiplied by.</summary>
    public Number DtScale { get; init; } = 1.0;

    /// <summary>How the weights of the steps begin: random or constant.</summary>
    public string DtInitScheme { get; init; } = "random";

    /// <summary>Whether fresh output projections are scaled down by the root of the number of layers.</summary>
    public bool RescalePrenormResidual { get; init; }

    /// <summary>Whether the residual is added in fp32.</summary>
    public bool ResidualInFp32 { get; init; }

    [JsonIgnore]
    internal override bool RescalesOutput => RescalePrenormResidual;

    internal override Block CreateBlock(int layerIdx) => CreateBlock(CreateMamba(layerIdx), ResidualInFp32);

    private TokenMixer CreateMamba(int layerIdx) => new Mamba(
        HiddenSize, StateSize, ConvKernel, UseConvBias, IntermediateSize!.Value, DtRank, DtMin, DtMax, DtInitScheme, DtScale, DtInitFloor,
        UseBias, HiddenAct, layerIdx);
}
