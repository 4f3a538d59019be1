using System.Text.Json;
using System.Text.Json.Serialization;

namespace Fla.Layers.Models;

/// <summary>One token or several, any of which will do. In JSON it is a number or a list of them.</summary>
[JsonConverter(typeof(TokenIdsJson))]
public sealed class TokenIds
{
    private readonly bool isList;

    private TokenIds(IReadOnlyList<long> ids, bool isList) => (Ids, this.isList) = (ids, isList);

    /// <summary>Several tokens.</summary>
    /// <param name="ids">The tokens.</param>
    public TokenIds(params IReadOnlyList<long> ids)
        : this(ids, true)
    {
    }

    /// <summary>The tokens.</summary>
    public IReadOnlyList<long> Ids { get; }

    /// <summary>One token.</summary>
    public static implicit operator TokenIds(int id) => new([id], false);

    private sealed class TokenIdsJson : JsonConverter<TokenIds>
    {
        public override TokenIds Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) =>
            reader.TokenType == JsonTokenType.StartArray
                ? new(JsonSerializer.Deserialize<long[]>(ref reader, options)!, true)
                : new([JsonSerializer.Deserialize<long>(ref reader, options)], false);

        public override void Write(Utf8JsonWriter writer, TokenIds value, JsonSerializerOptions options)
        {
            if (value.isList) JsonSerializer.Serialize(writer, value.Ids, options);
            else writer.WriteNumberValue(value.Ids[0]);
        }
    }
}
