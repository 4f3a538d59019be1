using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.ML.Tokenizers;

namespace Fla.Layers.Generation;

/// <summary>
/// Writes the vocabulary of a <c>tokenizer.json</c> that falls back on bytes as the SentencePiece model it was made from, in protocol
/// buffers: there, what is merged first is the piece with the highest score.
/// </summary>
internal static partial class SentencePieceModel
{
    // The kinds of a piece, and the fields that are written, by their numbers in sentencepiece_model.proto.
    private const int Normal = 1, Unknown = 2, Control = 3, UserDefined = 4, Byte = 6;
    private const int Pieces = 1, TrainerSpec = 2, NormalizerSpec = 3;
    private const int PieceText = 1, PieceScore = 2, PieceType = 3;
    private const int TrainerModelType = 3, TrainerByteFallback = 35, BytePairEncoding = 2;
    private const int TrainerUnknownId = 40, TrainerBosId = 41, TrainerEosId = 42;
    private const int AddDummyPrefix = 3, RemoveExtraWhitespaces = 4, EscapeWhitespaces = 5;

    public static SentencePieceTokenizer Tokenizer(JsonElement root, IReadOnlyDictionary<string, int> added)
    {
        var model = root.GetProperty("model");
        var vocabulary = TokenizerJson.Vocabulary(model);
        foreach (var (text, id) in added) vocabulary[text] = id;
        var ranks = new Dictionary<string, int>();
        foreach (var (left, right) in TokenizerJson.Merges(model)) ranks.TryAdd(left + right, ranks.Count);
        var unknown = model.TryGetProperty("unk_token", out var token) ? token.GetString() : null;
        var pieces = vocabulary.OrderBy(entry => entry.Value).Select(entry => entry.Key).ToArray();

        var proto = new MemoryStream();
        foreach (var piece in pieces)
        {
            var kind = piece == unknown ? Unknown
                : ByteToken().IsMatch(piece) ? Byte
                : added.ContainsKey(piece) ? (piece is "<s>" or "</s>" ? Control : UserDefined)
                : Normal;
            // Single characters are there from the start; what no merge gives is never made.
            var score = ranks.TryGetValue(piece, out var rank) ? -rank : -(float)(ranks.Count + 1);
            var message = new MemoryStream();
            WriteBytes(message, PieceText, Encoding.UTF8.GetBytes(piece));
            WriteFloat(message, PieceScore, kind == Normal ? score : 0);
            WriteNumber(message, PieceType, kind);
            WriteBytes(proto, Pieces, message.ToArray());
        }

        var trainer = new MemoryStream();
        WriteNumber(trainer, TrainerModelType, BytePairEncoding);
        WriteNumber(trainer, TrainerByteFallback, 1);
        WriteNumber(trainer, TrainerUnknownId, Math.Max(Array.IndexOf(pieces, unknown), 0));
        WriteNumber(trainer, TrainerBosId, Array.IndexOf(pieces, "<s>"));
        WriteNumber(trainer, TrainerEosId, Array.IndexOf(pieces, "</s>"));
        WriteBytes(proto, TrainerSpec, trainer.ToArray());
        var normalizer = new MemoryStream();
        WriteNumber(normalizer, AddDummyPrefix, PrependsSpace(root) ? 1 : 0);
        WriteNumber(normalizer, RemoveExtraWhitespaces, 0);
        WriteNumber(normalizer, EscapeWhitespaces, 1);
        WriteBytes(proto, NormalizerSpec, normalizer.ToArray());
        proto.Position = 0;
        return SentencePieceTokenizer.Create(proto, addBeginningOfSentence: AddsBeginning(root), addEndOfSentence: false);
    }

    // A leading space is prepended by a normalizer, or by the pre-tokenizer in newer files.
    private static bool PrependsSpace(JsonElement root) =>
        Text(root, "normalizer").Contains("\"Prepend\"")
        || (Text(root, "pre_tokenizer") is var step && step.Contains("\"Metaspace\"") && !step.Contains("\"never\""));

    private static bool AddsBeginning(JsonElement root) => Text(root, "post_processor").Contains("\"<s>\"");

    private static string Text(JsonElement root, string name) => root.TryGetProperty(name, out var value) ? value.GetRawText() : "";

    private static void WriteNumber(Stream stream, int field, long value)
    {
        WriteVarint(stream, (ulong)(field << 3));
        WriteVarint(stream, (ulong)value);
    }

    private static void WriteFloat(Stream stream, int field, float value)
    {
        WriteVarint(stream, (ulong)((field << 3) | 5));
        stream.Write(BitConverter.GetBytes(value));
    }

    private static void WriteBytes(Stream stream, int field, byte[] bytes)
    {
        WriteVarint(stream, (ulong)((field << 3) | 2));
        WriteVarint(stream, (ulong)bytes.Length);
        stream.Write(bytes);
    }

    private static void WriteVarint(Stream stream, ulong value)
    {
        for (; value >= 0x80; value >>= 7) stream.WriteByte((byte)(value | 0x80));
        stream.WriteByte((byte)value);
    }

    [GeneratedRegex("^<0x[0-9A-F]{2}>$")]
    private static partial Regex ByteToken();
}
