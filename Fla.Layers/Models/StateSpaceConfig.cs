using System.Text.Json;
using System.Text.Json.Serialization;
using Fla.Layers.Modules;

namespace Fla.Layers.Models;

/// <summary>What the Mamba families have in common: blocks that only mix tokens, by a state space model.</summary>
public abstract record StateSpaceConfig : PretrainedConfig
{
    /// <inheritdoc/>
    public override int NumHiddenLayers { get; init; } = 48;

    /// <inheritdoc/>
    public override string HiddenAct { get; init; } = "silu";

    /// <inheritdoc/>
    public override Number NormEps { get; init; } = 1e-5;

    /// <inheritdoc/>
    public override int? PadTokenId { get; init; } = 0;

    /// <summary>The inner size as a multiple of the hidden size.</summary>
    public Number Expand { get; init; } = 2;

    /// <summary>How many tokens the short convolution spans.</summary>
    public int ConvKernel { get; init; } = 4;

    /// <summary>Whether projections have a bias.</summary>
    public bool UseBias { get; init; }

    /// <summary>Whether the short convolution has a bias.</summary>
    public bool UseConvBias { get; init; } = true;

    /// <summary>The least first step.</summary>
    public Number DtMin { get; init; } = 0.001;

    /// <summary>The largest first step.</summary>
    public Number DtMax { get; init; } = 0.1;

    /// <summary>What first steps are raised to.</summary>
    public Number DtInitFloor { get; init; } = 1e-4;

    [JsonIgnore]
    internal override string BackboneName => "backbone";

    [JsonIgnore]
    internal override string FinalNormName => "norm_f";

    // FLA gives these embeddings no padding token.
    [JsonIgnore]
    internal override int? EmbeddingPadding => null;

    // FLA takes its own norms here whatever fuse_norm says.
    internal override Norm CreateFinalNorm() => new RMSNorm(HiddenSize, eps: NormEps);

    private protected Block CreateBlock(TokenMixer mixer, bool residualInFp32) =>
        new($"{Family}Block", ("norm", CreateFinalNorm()), ("mixer", mixer), residualInFp32: residualInFp32);
}

/// <summary>A size that may be "auto", for the one that follows from others.</summary>
internal sealed class AutoSizeJson : JsonConverter<int?>
{
    public override int? Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && reader.ValueTextEquals("auto") ? null : reader.GetInt32();

    public override void Write(Utf8JsonWriter writer, int? value, JsonSerializerOptions options) => writer.WriteNumberValue(value!.Value);
}
