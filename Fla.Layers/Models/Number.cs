using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Fla.Layers.Modules;

namespace Fla.Layers.Models;

/// <summary>
/// A number of a configuration. It remembers whether it was given as an integer, so that it is written the way it was given: 4 and
/// 4.0 are one value and two texts.
/// </summary>
/// <param name="Value">Its value.</param>
/// <param name="IsInteger">Whether it is written without a decimal point.</param>
[JsonConverter(typeof(NumberJson))]
public readonly record struct Number(double Value, bool IsInteger)
{
    /// <summary>An integer.</summary>
    public static implicit operator Number(int value) => new(value, true);

    /// <summary>A number with a decimal point.</summary>
    public static implicit operator Number(double value) => new(value, false);

    /// <summary>The value.</summary>
    public static implicit operator double(Number number) => number.Value;

    /// <summary>The number as Python writes it.</summary>
    public override string ToString() => IsInteger ? Value.ToString("F0", CultureInfo.InvariantCulture) : PythonText.Of(Value);
}

/// <summary>Numbers in JSON. What JSON has no number for is an object with one field, as transformers writes it.</summary>
internal sealed class NumberJson : JsonConverter<Number>
{
    public const string NamedField = "__float__";

    public override Number Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.Number)
            return new(reader.GetDouble(), reader.ValueSpan.IndexOfAny("."u8[0], "e"u8[0], "E"u8[0]) < 0);
        using var document = JsonDocument.ParseValue(ref reader);
        if (document.RootElement is { ValueKind: JsonValueKind.Object } named
            && named.TryGetProperty(NamedField, out var name) && name.ValueKind == JsonValueKind.String)
        {
            switch (name.GetString())
            {
                case "Infinity": return double.PositiveInfinity;
                case "-Infinity": return double.NegativeInfinity;
                case "NaN": return double.NaN;
            }
        }

        throw new JsonException($"expected a number, came {document.RootElement.GetRawText()}");
    }

    public override void Write(Utf8JsonWriter writer, Number number, JsonSerializerOptions options)
    {
        if (double.IsFinite(number))
        {
            writer.WriteRawValue(number.ToString());
            return;
        }

        writer.WriteStartObject();
        writer.WriteString(NamedField, double.IsNaN(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity");
        writer.WriteEndObject();
    }
}
