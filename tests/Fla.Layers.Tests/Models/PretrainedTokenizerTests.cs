using System.Text;
using Fla.Layers.Checkpoints;
using Fla.Layers.Generation;

namespace Fla.Layers.Tests.Models;

public class PretrainedTokenizerTests
{
    private static readonly string ByteLevel = """
        {
          "added_tokens": [{"id": 0, "content": "<|end|>", "special": true}],
          "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true},
          "model": {
            "type": "BPE",
            "vocab": {"<|end|>": 0, "h": 1, "e": 2, "l": 3, "o": 4, "Ġ": 5, "he": 6, "ll": 7, "hell": 8, "hello": 9, "Ġhello": 10},
            "merges": ["h e", "l l", ["he", "ll"], "hell o", "Ġ hello"]
          }
        }
        """;

    // Pieces of single characters, a merge, and the bytes of what is no piece.
    private static string WithByteFallback()
    {
        var vocabulary = new StringBuilder("\"<unk>\": 0, \"<s>\": 1, \"</s>\": 2");
        for (var i = 0; i < 256; i++) vocabulary.Append($", \"<0x{i:X2}>\": {3 + i}");
        string[] pieces = ["▁", "h", "e", "l", "o", "he", "ll", "hell", "hello", "▁hello"];
        for (var i = 0; i < pieces.Length; i++) vocabulary.Append($", \"{pieces[i]}\": {259 + i}");
        return $$$"""
            {
              "added_tokens": [{"id": 0, "content": "<unk>"}, {"id": 1, "content": "<s>"}, {"id": 2, "content": "</s>"}],
              "normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}]},
              "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}]},
              "model": {
                "type": "BPE", "unk_token": "<unk>", "byte_fallback": true, "vocab": { {{{vocabulary}}} },
                "merges": ["h e", "l l", "he ll", "hell o", "▁ hello"]
              }
            }
            """;
    }

    private static Microsoft.ML.Tokenizers.Tokenizer Read(TemporaryFolder folder, string json)
    {
        folder.Write("tokenizer.json", Encoding.UTF8.GetBytes(json));
        return PretrainedTokenizer.FromPretrained(folder.Path);
    }

    [Fact]
    public void Byte_pairs_over_bytes_are_merged_in_order()
    {
        using var folder = new TemporaryFolder();
        var tokenizer = Read(folder, ByteLevel);
        Assert.Equal([9, 10, 0], tokenizer.EncodeToIds("hello hello<|end|>"));
        Assert.Equal("hello hello", tokenizer.Decode([9, 10]));
    }

    [Fact]
    public void What_is_no_piece_is_taken_byte_by_byte()
    {
        using var folder = new TemporaryFolder();
        var tokenizer = Read(folder, WithByteFallback());
        Assert.Equal([1, 268, 3 + 0xC3, 3 + 0xA9], tokenizer.EncodeToIds("helloé"));
        Assert.Equal("hello hello", tokenizer.Decode([268, 268])!.TrimStart());
    }

    [Fact]
    public void A_broken_file_or_none_is_told()
    {
        using var folder = new TemporaryFolder();
        Assert.Contains("came neither", Assert.Throws<CheckpointException>(() => PretrainedTokenizer.FromPretrained(folder.Path)).Message);
        Assert.Throws<CheckpointException>(() => Read(folder, "{"));
        Assert.Throws<CheckpointException>(() => Read(folder, """{"model": {"type": "Unigram"}}"""));
        folder.Write("tokenizer.model", [1, 2, 3]);
        Assert.Throws<CheckpointException>(() => PretrainedTokenizer.FromPretrained(folder.Path));
    }
}
