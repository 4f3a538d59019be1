using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Fla.Layers.Checkpoints;

namespace Fla.Layers.Models;

/// <summary>Configurations as JSON text, in the form of Hugging Face's <c>config.json</c>.</summary>
internal static class ConfigJson
{
    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        RespectNullableAnnotations = true,
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>What every configuration of transformers has, and does not print where it has this value.</summary>
    private static readonly JsonObject BaseDefaults = JsonNode.Parse("""
        {
          "_name_or_path": "", "architectures": null, "chunk_size_feed_forward": 0, "dtype": null,
          "id2label": {"0": "LABEL_0", "1": "LABEL_1"}, "is_encoder_decoder": false,
          "label2id": {"LABEL_0": 0, "LABEL_1": 1}, "output_attentions": false,
          "output_hidden_states": false, "pad_token_id": null, "problem_type": null, "return_dict": true
        }
        """)!.AsObject();

    public static PretrainedConfig Read(string path)
    {
        var json = File.ReadAllText(path);
        try
        {
            return Parse(json);
        }
        catch (ArgumentException e)
        {
            throw new CheckpointException(path, e.Message, e);
        }
    }

    public static PretrainedConfig Parse(string json)
    {
        try
        {
            var document = JsonNode.Parse(JsonNumbers.Strict(json)) as JsonObject
                ?? throw new ArgumentException("expected a JSON object of configuration fields", nameof(json));
            var modelType = document["model_type"] is JsonValue value && value.TryGetValue<string>(out var name)
                ? name
                : throw new ArgumentException("expected a field model_type, came none", nameof(json));
            var family = Families.Find(modelType);
            FieldNames.Modernise(modelType, document);
            return (PretrainedConfig)document.Deserialize(family, Options)!;
        }
        catch (JsonException e)
        {
            throw new ArgumentException($"expected a configuration in JSON: {e.Message}", nameof(json), e);
        }
    }

    public static string Text(PretrainedConfig config, bool forPrint)
    {
        var fields = JsonSerializer.SerializeToNode(config, config.GetType(), Options)!.AsObject();
        if (!forPrint && fields["architectures"] is null) fields["architectures"] = new JsonArray($"{config.Family}ForCausalLM");
        if (forPrint)
        {
            foreach (var (name, _) in fields.Where(field => IsBaseDefault(field.Key, field.Value)).ToList()) fields.Remove(name);
        }

        return Sorted(fields)!.ToJsonString(Options);
    }

    /// <summary>As Python writes it: fields by name, within fields, too; numbers of labels by number.</summary>
    private static JsonNode? Sorted(JsonNode? node) => node switch
    {
        JsonObject fields => new JsonObject(fields
            .OrderBy(field => int.TryParse(field.Key, out var number) ? number : -1).ThenBy(field => field.Key, StringComparer.Ordinal)
            .Select(field => KeyValuePair.Create(field.Key, Sorted(field.Value)))),
        JsonArray items => new JsonArray([.. items.Select(Sorted)]),
        _ => node?.DeepClone(),
    };

    private static bool IsBaseDefault(string name, JsonNode? value) =>
        BaseDefaults.TryGetPropertyValue(name, out var common) && JsonNode.DeepEquals(common, value);
}
