using System.Text.Json;
using System.Text.RegularExpressions;
using Fla.Layers.Checkpoints;
using Microsoft.ML.Tokenizers;

namespace Fla.Layers.Generation;

/// <summary>
/// Tokenizers in the form of Hugging Face's <c>tokenizer.json</c>: byte pair encoding over bytes, or over characters with bytes as a last
/// resort.
/// </summary>
internal static class TokenizerJson
{
    // How GPT-2 splits a text into words, which is what a ByteLevel step does where it is not told otherwise.
    private const string Words = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    public static Tokenizer Read(string path)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(path));
        var root = document.RootElement;
        var model = root.GetProperty("model");
        if (model.TryGetProperty("type", out var type) && type.GetString() is not "BPE")
            throw new CheckpointException(path, $"expected a tokenizer of type BPE, came {type}");
        var added = new Dictionary<string, int>();
        if (root.TryGetProperty("added_tokens", out var tokens))
        {
            foreach (var token in tokens.EnumerateArray())
                added[token.GetProperty("content").GetString()!] = token.GetProperty("id").GetInt32();
        }

        if (model.TryGetProperty("byte_fallback", out var fallback) && fallback.ValueKind == JsonValueKind.True)
            return SentencePieceModel.Tokenizer(root, added);
        if (!Steps(root).Any(step => Is(step, "ByteLevel")))
            throw new CheckpointException(path, "expected a pre_tokenizer ByteLevel or a model with byte_fallback, came neither");

        return BpeTokenizer.Create(new BpeOptions(Vocabulary(model))
        {
            Merges = [.. Merges(model).Select(pair => $"{pair.Left} {pair.Right}")],
            ByteLevel = true,
            SpecialTokens = added,
            PreTokenizer = new RegexPreTokenizer(new Regex(Pattern(root), RegexOptions.CultureInvariant), added),
        });
    }

    public static Dictionary<string, int> Vocabulary(JsonElement model) =>
        model.GetProperty("vocab").EnumerateObject().ToDictionary(entry => entry.Name, entry => entry.Value.GetInt32());

    /// <summary>The pairs in the order in which they are merged. They are written as a list of two, or as one text with a space.</summary>
    public static IEnumerable<(string Left, string Right)> Merges(JsonElement model) =>
        model.GetProperty("merges").EnumerateArray().Select(merge =>
        {
            if (merge.ValueKind == JsonValueKind.Array) return (merge[0].GetString()!, merge[1].GetString()!);
            var parts = merge.GetString()!.Split(' ');
            return (parts[0], parts[1]);
        });

    private static string Pattern(JsonElement root) => Steps(root)
        .Where(step => Is(step, "Split") && step.GetProperty("pattern").TryGetProperty("Regex", out _))
        .Select(step => step.GetProperty("pattern").GetProperty("Regex").GetString()!)
        .FirstOrDefault(Words);

    private static IEnumerable<JsonElement> Steps(JsonElement root)
    {
        if (!root.TryGetProperty("pre_tokenizer", out var step) || step.ValueKind != JsonValueKind.Object) return [];
        return Is(step, "Sequence") ? step.GetProperty("pretokenizers").EnumerateArray() : [step];
    }

    private static bool Is(JsonElement step, string type) => step.GetProperty("type").GetString() == type;
}
