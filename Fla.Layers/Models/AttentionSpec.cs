using System.Text.Json;
using System.Text.Json.Serialization;

namespace Fla.Layers.Models;

/// <summary>Softmax attention in some layers of a model whose others have another token mixer.</summary>
public sealed record AttentionSpec
{
    /// <summary>The indices of the layers.</summary>
    [JsonRequired]
    public required IReadOnlyList<int> Layers { get; init; }

    /// <summary>The number of heads of queries.</summary>
    [JsonRequired]
    public required int NumHeads { get; init; }

    /// <summary>The number of heads of keys and values, which divides that of queries; the same where none is given.</summary>
    public int? NumKvHeads { get => field ?? NumHeads; init; }

    /// <summary>Whether the projections to queries, keys and values have a bias.</summary>
    public bool QkvBias { get; init; }

    /// <summary>How many tokens a token sees, itself included; all before it where it is null.</summary>
    public int? WindowSize { get; init; }

    /// <summary>The base of the rotary embedding.</summary>
    public Number RopeTheta { get; init; } = 10000.0;

    /// <summary>Fields that are not known here, as they came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Other { get; init; }
}

/// <summary>
/// The layers of a model that have softmax attention. In JSON it is one <see cref="AttentionSpec"/> or a list of them.
/// </summary>
[JsonConverter(typeof(HybridAttentionJson))]
public sealed class HybridAttention
{
    private readonly bool isList;

    private HybridAttention(IReadOnlyList<AttentionSpec> specs, bool isList) => (Specs, this.isList) = (specs, isList);

    /// <summary>Several kinds of attention, each for its own layers.</summary>
    /// <param name="specs">The kinds.</param>
    public HybridAttention(params IReadOnlyList<AttentionSpec> specs)
        : this(specs, true)
    {
    }

    /// <summary>The kinds of attention.</summary>
    public IReadOnlyList<AttentionSpec> Specs { get; }

    /// <summary>One kind of attention.</summary>
    public static implicit operator HybridAttention(AttentionSpec spec) => new([spec], false);

    /// <summary>The kind of attention that a layer has, or null where it has the model's own mixer.</summary>
    /// <param name="layerIdx">The layer's index.</param>
    public AttentionSpec? Of(int layerIdx) => Specs.FirstOrDefault(spec => spec.Layers.Contains(layerIdx));

    /// <summary>Checks that every layer exists and is named once, and that sizes are positive.</summary>
    /// <param name="numHiddenLayers">The number of the model's layers.</param>
    /// <exception cref="ArgumentException">Something is not so.</exception>
    internal void Validate(int numHiddenLayers)
    {
        var seen = new HashSet<int>();
        foreach (var spec in Specs)
        {
            foreach (var layer in spec.Layers)
            {
                if (layer < 0 || layer >= numHiddenLayers)
                    throw Wrong($"layers from 0 to {numHiddenLayers - 1}", $"layer {layer}");
                if (!seen.Add(layer)) throw Wrong("each layer once", $"layer {layer} twice");
            }

            if (spec.NumHeads < 1) throw Wrong("num_heads of at least 1", $"{spec.NumHeads}");
            if (spec.NumKvHeads < 1 || spec.NumHeads % spec.NumKvHeads != 0)
                throw Wrong($"num_kv_heads that divide num_heads {spec.NumHeads}", $"{spec.NumKvHeads}");
            if (spec.WindowSize < 1) throw Wrong("window_size of at least 1", $"{spec.WindowSize}");
            if (!(spec.RopeTheta > 0 && double.IsFinite(spec.RopeTheta))) throw Wrong("a finite, positive rope_theta", $"{spec.RopeTheta}");
        }
    }

    private static ArgumentException Wrong(string expected, string came) => new($"attn: expected {expected}, came {came}");

    private sealed class HybridAttentionJson : JsonConverter<HybridAttention>
    {
        public override HybridAttention Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) =>
            reader.TokenType == JsonTokenType.StartArray
                ? new([.. JsonSerializer.Deserialize<AttentionSpec?[]>(ref reader, options)!.Select(Present)], true)
                : new([Present(JsonSerializer.Deserialize<AttentionSpec>(ref reader, options))], false);

        public override void Write(Utf8JsonWriter writer, HybridAttention value, JsonSerializerOptions options)
        {
            if (value.isList) JsonSerializer.Serialize(writer, value.Specs, options);
            else JsonSerializer.Serialize(writer, value.Specs[0], options);
        }

        private static AttentionSpec Present(AttentionSpec? spec) => spec ?? throw new JsonException("expected attention, came null");
    }
}
