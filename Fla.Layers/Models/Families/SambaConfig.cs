using System.Text.Json.Serialization;

namespace Fla.Layers.Models;

/// <summary>Samba: Mamba and attention over a window in turns. Ren et al., 2024, arXiv:2406.07522.</summary>
public sealed record SambaConfig : BlockConfig
{
    private static readonly AttentionSpec EverySecondLayer =
        new() { Layers = [1, 3, 5, 7, 9, 11, 13, 15, 17], NumHeads = 18, NumKvHeads = 18, WindowSize = 2048 };

    private readonly bool attnGiven;

    /// <inheritdoc/>
    public override string ModelType => "samba";

    /// <inheritdoc/>
    [JsonIgnore]
    public override string Family => "Samba";

    /// <inheritdoc/>
    public override int HiddenSize { get; init; } = 2304;

    /// <inheritdoc/>
    public override int NumHiddenLayers { get; init; } = 18;

    /// <inheritdoc/>
    public override Number NormEps { get; init; } = 1e-5;

    /// <inheritdoc/>
    public override int? PadTokenId { get; init; } = 0;

    /// <summary>The layers with attention; every second layer where nothing is said, and none where it is null.</summary>
    public override HybridAttention? Attn
    {
        get => attnGiven
            ? field
            : EverySecondLayer with { Layers = [.. EverySecondLayer.Layers.Where(layer => layer < NumHiddenLayers)] };
        init => (attnGiven, field) = (true, value);
    }

    /// <summary>The size of a channel's state.</summary>
    public int StateSize { get; init; } = 16;

    /// <summary>The inner size of Mamba as a multiple of the hidden size.</summary>
    public Number Expand { get; init; } = 2;

    /// <summary>The inner size of Mamba; that which the expansion gives where it is null.</summary>
    public override int? IntermediateSize { get => field ?? (int)(Expand * HiddenSize); init; }

    /// <summary>How many tokens the short convolution spans.</summary>
    public int ConvKernel { get; init; } = 4;

    /// <summary>Whether projections have a bias.</summary>
    public bool UseBias { get; init; }

    /// <summary>Kept for FLA: the short convolution has a bias.</summary>
    public bool UseConvBias { get; init; } = true;

    /// <summary>Kept for FLA, without effect.</summary>
    public bool ResidualInFp32 { get; init; }

    /// <summary>Kept for FLA, without effect.</summary>
    public bool RescalePrenormResidual { get; init; }

    /// <summary>The bottleneck of the steps; a sixteenth of the hidden size where it is null.</summary>
    [JsonConverter(typeof(AutoSizeJson))]
    public int? TimeStepRank { get => field ?? (HiddenSize + 15) / 16; init; }

    /// <summary>Kept for FLA, whose blocks do not pass it on.</summary>
    public Number TimeStepScale { get; init; } = 1.0;

    /// <summary>Kept for FLA, whose blocks do not pass it on.</summary>
    public Number TimeStepMin { get; init; } = 0.001;

    /// <summary>Kept for FLA, whose blocks do not pass it on.</summary>
    public Number TimeStepMax { get; init; } = 0.1;

    /// <summary>Kept for FLA, whose blocks do not pass it on.</summary>
    public string TimeStepInitScheme { get; init; } = "random";

    /// <summary>Kept for FLA, whose blocks do not pass it on.</summary>
    public Number TimeStepFloor { get; init; } = 1e-4;

    /// <summary>There is no such field.</summary>
    [JsonIgnore]
    public override int? AttnresBlockSize => null;

    [JsonIgnore]
    internal override string BackboneName => "backbone";

    [JsonIgnore]
    internal override string FinalNormName => "norm_f";

    // FLA gives these embeddings no padding token.
    [JsonIgnore]
    internal override int? EmbeddingPadding => null;

    // FLA takes its own norms here and before the mixers whatever fuse_norm says.
    internal override Modules.Norm CreateFinalNorm() => new Modules.RMSNorm(HiddenSize, eps: NormEps);

    // Its intermediate size is Mamba's, not the channel mixing's.
    internal override Block CreateBlock(int layerIdx) => new(
        $"{Family}Block",
        ("mixer_norm", CreateFinalNorm()), ("mixer", CreateMixer(layerIdx)),
        ("mlp_norm", CreateNorm()), ("mlp", CreateMlp(null)));

    private protected override TokenMixer CreateOwnMixer(int layerIdx) => new Mamba(
        HiddenSize, StateSize, ConvKernel, intermediateSize: IntermediateSize!.Value, dtRank: TimeStepRank, useBias: UseBias,
        layerIdx: layerIdx);
}
