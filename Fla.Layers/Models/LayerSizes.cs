using System.Text.Json;
using System.Text.Json.Serialization;

namespace Fla.Layers.Models;

/// <summary>A size for each layer. In JSON it is a list, or one number for all layers.</summary>
/// <param name="Sizes">The sizes by layer, or one for all.</param>
[JsonConverter(typeof(LayerSizesJson))]
public sealed record LayerSizes(IReadOnlyList<int> Sizes)
{
    /// <summary>One size for all layers.</summary>
    public static implicit operator LayerSizes(int size) => new([size]);

    /// <summary>A layer's size.</summary>
    /// <param name="layerIdx">The layer's index.</param>
    public int Of(int layerIdx) => Sizes.Count == 1 ? Sizes[0] : Sizes[layerIdx];

    private sealed class LayerSizesJson : JsonConverter<LayerSizes>
    {
        public override LayerSizes Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) =>
            reader.TokenType == JsonTokenType.StartArray
                ? new(JsonSerializer.Deserialize<int[]>(ref reader, options)!)
                : new([JsonSerializer.Deserialize<int>(ref reader, options)]);

        public override void Write(Utf8JsonWriter writer, LayerSizes value, JsonSerializerOptions options) =>
            JsonSerializer.Serialize(writer, value.Sizes, options);
    }
}
