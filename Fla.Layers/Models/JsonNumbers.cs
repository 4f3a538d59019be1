using System.Text.RegularExpressions;

namespace Fla.Layers.Models;

/// <summary>Python writes NaN and infinities as words that JSON does not know.</summary>
internal static partial class JsonNumbers
{
    /// <summary>The text with each such word, outside of strings, as the object that newer configurations have in its place.</summary>
    public static string Strict(string json) =>
        StringOrWord().Replace(
            json, match => match.Value[0] == '"' ? match.Value : $$"""{"{{NumberJson.NamedField}}": "{{match.Value}}"}""");

    [GeneratedRegex("""
        "(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b
        """, RegexOptions.Singleline)]
    private static partial Regex StringOrWord();
}
