using System.Text.Json;
using System.Text.Json.Serialization;
using Fla.Layers.Modules;

namespace Fla.Layers.Models;

/// <summary>
/// What a model is built from: the fields of a Hugging Face <c>config.json</c>, with the names and defaults of flash-linear-attention.
/// A field's name in JSON is the property's in snake_case. Fields that are not known here are kept and written back.
/// </summary>
public abstract record PretrainedConfig
{
    /// <summary>The name of the family in <c>config.json</c>.</summary>
    public abstract string ModelType { get; }

    /// <summary>The number of tokens in the vocabulary.</summary>
    public int VocabSize { get; init; } = 32000;

    /// <summary>D, the size of what flows from layer to layer.</summary>
    public virtual int HiddenSize { get; init; } = 2048;

    /// <summary>The number of layers.</summary>
    public virtual int NumHiddenLayers { get; init; } = 24;

    /// <summary>The activation function.</summary>
    public virtual string HiddenAct { get; init; } = "swish";

    /// <summary>What normalisations add to the mean square.</summary>
    public virtual Number NormEps { get; init; } = 1e-6;

    /// <summary>The standard deviation of fresh weights.</summary>
    public Number InitializerRange { get; init; } = 0.02;

    /// <summary>Whether generation keeps states instead of computing all tokens anew.</summary>
    public bool UseCache { get; init; } = true;

    /// <summary>The token that fills a batch up, or null.</summary>
    public virtual int? PadTokenId { get; init; }

    /// <summary>The token that begins a text, or null.</summary>
    public int? BosTokenId { get; init; } = 1;

    /// <summary>The tokens that end a text, or null.</summary>
    public TokenIds? EosTokenId { get; init; } = 2;

    /// <summary>Whether the last projection has the weights of the embeddings.</summary>
    public bool TieWordEmbeddings { get; init; }

    /// <summary>
    /// Whether norms are printed as FLA's own, else as PyTorch's. They compute the same, but RWKV-7 bounds the length of keys otherwise.
    /// </summary>
    public bool FuseNorm { get; init; } = true;

    /// <summary>Kept for FLA; the loss is the same either way.</summary>
    public bool FuseCrossEntropy { get; init; } = true;

    /// <summary>Whether the loss is computed without the logits of all tokens at once.</summary>
    public virtual bool FuseLinearCrossEntropy { get; init; }

    /// <summary>Whether training pulls each token's largest logit towards zero.</summary>
    public virtual bool UseL2warp { get; init; }

    /// <summary>Fields that are not known here, as they came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Other { get; init; }

    /// <summary>What the family's classes are called: GLA for GLAForCausalLM, GLAModel and GLABlock.</summary>
    [JsonIgnore]
    public abstract string Family { get; }

    /// <summary>The name of the stack of layers in the model.</summary>
    [JsonIgnore]
    internal virtual string BackboneName => "model";

    /// <summary>The name of the last normalisation.</summary>
    [JsonIgnore]
    internal virtual string FinalNormName => "norm";

    /// <summary>The token whose embedding gets no gradient, or null.</summary>
    [JsonIgnore]
    internal virtual int? EmbeddingPadding => PadTokenId;

    /// <summary>Whether forget gates are bounded from below by parameters of the model.</summary>
    [JsonIgnore]
    internal virtual bool HasLowerBounds => false;

    /// <summary>Whether fresh output projections are scaled down by the root of the number of layers.</summary>
    [JsonIgnore]
    internal virtual bool RescalesOutput => false;

    /// <summary>Reads <c>config.json</c>.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="FileNotFoundException">There is none.</exception>
    /// <exception cref="Checkpoints.CheckpointException">It is malformed, or of a family that is not known.</exception>
    public static PretrainedConfig Read(string path) => ConfigJson.Read(path);

    /// <summary>Reads a configuration from JSON text.</summary>
    /// <param name="json">The text.</param>
    /// <exception cref="ArgumentException">It is malformed, or of a family that is not known.</exception>
    public static PretrainedConfig FromJson(string json) => ConfigJson.Parse(json);

    /// <summary>The text of <c>config.json</c>: all fields, sorted by name.</summary>
    public string ToJson() => ConfigJson.Text(this, forPrint: false);

    /// <summary>The class and its fields, as Hugging Face prints them: those that every configuration has only where they differ.</summary>
    public sealed override string ToString() => $"{GetType().Name} {ConfigJson.Text(this, forPrint: true)}";

    /// <summary>Checks what can be checked before a model is built.</summary>
    /// <exception cref="ArgumentException">A field is out of range, or two contradict each other; the message names them.</exception>
    internal virtual void Validate()
    {
        Positive(VocabSize, "vocab_size");
        Positive(HiddenSize, "hidden_size");
        Positive(NumHiddenLayers, "num_hidden_layers");
        if (FuseCrossEntropy && FuseLinearCrossEntropy)
            throw new ArgumentException("expected one of fuse_cross_entropy and fuse_linear_cross_entropy to be false, came both true");
    }

    /// <summary>The normalisation after the last block.</summary>
    internal abstract Norm CreateFinalNorm();

    /// <summary>A block of this family.</summary>
    internal abstract Block CreateBlock(int layerIdx);

    private protected static void Positive(long value, string field)
    {
        if (value < 1) throw new ArgumentException($"{field}: expected at least 1, came {value}");
    }
}
