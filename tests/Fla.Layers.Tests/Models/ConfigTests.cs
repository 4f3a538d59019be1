using System.Text.Json.Nodes;
using Fla.Layers.Checkpoints;
using Fla.Layers.Models;

namespace Fla.Layers.Tests.Models;

public class ConfigTests
{
    public static TheoryData<string> Golden => GoldenModelsTests.Folders;

    public static TheoryData<string> Families => GoldenModelsTests.Families;

    // Fields of every configuration of transformers, which are no family's own.
    private static readonly string[] Common =
    [
        "_name_or_path", "chunk_size_feed_forward", "dtype", "id2label", "is_encoder_decoder", "label2id", "output_attentions",
        "output_hidden_states", "problem_type", "return_dict", "transformers_version",
    ];

    [Theory]
    [MemberData(nameof(Golden))]
    public void A_configuration_is_written_as_it_was_read(string name)
    {
        var json = File.ReadAllText(RepositoryFiles.Golden($"models/{name}/config.json"));
        Assert.Equal(json.Trim(), PretrainedConfig.FromJson(json).ToJson());
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void A_family_has_the_fields_it_has_in_flash_linear_attention(string name)
    {
        var golden = JsonNode.Parse(File.ReadAllText(RepositoryFiles.Golden($"models/{name}/config.json")))!.AsObject();
        var fresh = JsonNode.Parse(PretrainedConfig.FromJson($$"""{"model_type": "{{name}}"}""").ToJson())!.AsObject();
        Assert.Equal(golden.Select(field => field.Key).Except(Common).Order(), fresh.Select(field => field.Key).Order());
        // The golden ones are small; all else is as it is by default.
        string[] sizes =
        [
            "hidden_size", "num_hidden_layers", "vocab_size", "num_heads", "head_dim", "num_slots", "expand_ratio", "state_size", "dt_rank",
            "intermediate_size", "value_dim",
        ];
        Assert.All(fresh.Where(field => !sizes.Contains(field.Key)), field =>
            Assert.True(JsonNode.DeepEquals(field.Value, golden[field.Key]), $"{field.Key}: {field.Value} and {golden[field.Key]}"));
    }

    [Fact]
    public void What_is_not_known_is_kept()
    {
        var config = PretrainedConfig.FromJson("""{"model_type": "gla", "quantum": {"spin": [1, 2]}, "expand_v": 2}""");
        Assert.Contains("\"quantum\": {", (config with { HiddenSize = 64 }).ToJson());
        Assert.Contains("\"expand_v\": 2,", config.ToJson());
    }

    [Fact]
    public void It_prints_as_Hugging_Face_prints_it()
    {
        var printed = new GLAConfig { NumHiddenLayers = 2 }.ToString();
        Assert.StartsWith("GLAConfig {\n  \"attn\": null,\n  \"attn_mode\": \"chunk\",", printed);
        Assert.Contains("\"norm_eps\": 1e-06,", printed);
        Assert.Contains("\"expand_k\": 0.5,\n  \"expand_v\": 1.0,", printed);
        Assert.DoesNotContain("pad_token_id", printed);
    }

    [Fact]
    public void Names_of_earlier_versions_are_understood()
    {
        var mamba = (MambaConfig)PretrainedConfig.FromJson(
            """{"model_type": "mamba", "time_step_rank": "auto", "layer_norm_epsilon": 0.001}""");
        Assert.Equal((128, 0.001), (mamba.DtRank!.Value, (double)mamba.NormEps));
        Assert.Equal(2, ((ABCConfig)PretrainedConfig.FromJson("""{"model_type": "abc", "exapnd_v": 2}""")).ExpandV.Value);
        var mamba2 = (Mamba2Config)PretrainedConfig.FromJson("""{"model_type": "mamba2", "dt_limit": [0.0, Infinity]}""");
        Assert.Equal(double.PositiveInfinity, mamba2.DtLimit[1].Value);
    }

    [Fact]
    public void Samba_has_attention_in_every_second_layer_unless_it_is_told_otherwise()
    {
        Assert.Equal([1, 3], new SambaConfig { NumHiddenLayers = 4 }.Attn!.Specs[0].Layers);
        Assert.Null(PretrainedConfig.FromJson("""{"model_type": "samba", "attn": null}""") is SambaConfig { Attn: var attn } ? attn : null);
    }

    [Theory]
    [InlineData("""{"model_type": "gpt2"}""", "expected one of abc, delta_net")]
    [InlineData("""{}""", "model_type")]
    [InlineData("""[1]""", "JSON object")]
    [InlineData("""{"model_type": "gla",""", "JSON")]
    [InlineData("""{"model_type": "gla", "num_heads": "four"}""", "num_heads")]
    [InlineData("""{"model_type": "gla", "attn": {"layers": [0]}}""", "num_heads")]
    [InlineData("""{"model_type": "gla", "attn": [null]}""", "null")]
    [InlineData("""{"model_type": "gla", "expand_k": true}""", "true")]
    public void What_is_malformed_is_told(string json, string told) =>
        Assert.Contains(told, Assert.Throws<ArgumentException>(() => PretrainedConfig.FromJson(json)).Message);

    private static readonly AttentionSpec First = new() { Layers = [1], NumHeads = 2 };

    public static TheoryData<PretrainedConfig, string> Impossible => new()
    {
        { new GLAConfig { HiddenSize = 0 }, "hidden_size" },
        { new GLAConfig { FuseLinearCrossEntropy = true }, "fuse_cross_entropy" },
        { new GLAConfig { AttnresBlockSize = 2 }, "attnres_block_size" },
        { new GLAConfig { HiddenAct = "gelu" }, "hidden_act" },
        { new GLAConfig { NumHiddenLayers = 1, Attn = new AttentionSpec { Layers = [1], NumHeads = 2 } }, "layer 1" },
        { new GLAConfig { Attn = new HybridAttention(First, First) }, "twice" },
        { new GLAConfig { Attn = new AttentionSpec { Layers = [1], NumHeads = 3, NumKvHeads = 2 } }, "num_kv_heads" },
        { new GLAConfig { Attn = new AttentionSpec { Layers = [1], NumHeads = 2, WindowSize = 0 } }, "window_size" },
        { new KDAConfig { SafeGate = true }, "lower_bound" },
        { new Mamba2Config { DtLimit = [1.0, 0.0] }, "dt_limit" },
        { new HGRNConfig { ExpandRatio = 2 }, "use_lower_bound" },
        { new HGRN2Config { HiddenSize = 32, ExpandRatio = 12 }, "use_lower_bound" },
        { new RWKV7Config { NumHiddenLayers = 2, ValueDim = new LayerSizes([64, 64, 64]) }, "value_dim" },
    };

    [Theory]
    [MemberData(nameof(Impossible))]
    public void What_cannot_be_built_is_refused_by_name(PretrainedConfig config, string named) =>
        Assert.Contains(named, Assert.Throws<ArgumentException>(() => AutoModelForCausalLM.FromConfig(config)).Message);

    [Fact]
    public void A_broken_file_is_named()
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("config.json", "{"u8);
        Assert.Equal(path, Assert.Throws<CheckpointException>(() => PretrainedConfig.Read(path)).Path);
    }
}
