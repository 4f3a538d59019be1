using System.Text.Json;
using Fla.Layers.Checkpoints;
using Microsoft.ML.Tokenizers;

namespace Fla.Layers.Generation;

/// <summary>The tokenizer that belongs to a checkpoint.</summary>
public static class PretrainedTokenizer
{
    private const string Model = "tokenizer.model";
    private const string Json = "tokenizer.json";

    /// <summary>Whether a folder has a tokenizer.</summary>
    /// <param name="folder">The folder of a checkpoint.</param>
    public static bool Exists(string folder) => File.Exists(Path.Combine(folder, Model)) || File.Exists(Path.Combine(folder, Json));

    /// <summary>Reads <c>tokenizer.model</c> (SentencePiece), or <c>tokenizer.json</c> (byte pair encoding) where there is none.</summary>
    /// <param name="folder">The folder of a checkpoint.</param>
    /// <exception cref="CheckpointException">There is neither, or it is malformed, or of a kind that is not supported.</exception>
    public static Tokenizer FromPretrained(string folder)
    {
        var (model, json) = (Path.Combine(folder, Model), Path.Combine(folder, Json));
        var path = File.Exists(model) ? model : json;
        if (!File.Exists(path)) throw new CheckpointException(folder, $"expected {Model} or {Json}, came neither");
        try
        {
            return path == model ? FromSentencePiece(model, folder) : TokenizerJson.Read(json);
        }
        catch (Exception e) when (e is not (CheckpointException or OutOfMemoryException))
        {
            // What the library throws at a broken file is of many types.
            throw new CheckpointException(path, $"expected a tokenizer: {e.Message}", e);
        }
    }

    private static SentencePieceTokenizer FromSentencePiece(string path, string folder)
    {
        using var stream = File.OpenRead(path);
        return SentencePieceTokenizer.Create(stream, Flag("add_bos_token", folder, true), Flag("add_eos_token", folder, false));
    }

    private static bool Flag(string name, string folder, bool otherwise)
    {
        var path = Path.Combine(folder, "tokenizer_config.json");
        if (!File.Exists(path)) return otherwise;
        using var document = JsonDocument.Parse(File.ReadAllBytes(path));
        return document.RootElement.TryGetProperty(name, out var flag) && flag.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? flag.GetBoolean()
            : otherwise;
    }
}
