using Fla.Layers.Checkpoints;
using Fla.Layers.Models;
using static TorchSharp.torch;

namespace Fla.Layers.Tests.Models;

/// <summary>Lines of printed models that depend on options, as PyTorch and Hugging Face print such modules.</summary>
public class PrintedModelTests
{
    public static TheoryData<PretrainedConfig, string[]> Options => new()
    {
        { new GLAConfig { FuseNorm = false }, ["(attn_norm): RMSNorm((32,), eps=1e-06, elementwise_affine=True)",
            "(g_norm): RMSNorm(8, eps=1e-06)", "(mlp_norm): RMSNorm((32,), eps=1e-06, elementwise_affine=True)",
            "(norm): RMSNorm((32,), eps=1e-06, elementwise_affine=True)"] },
        { new GLAConfig { ElementwiseAffine = false, PadTokenId = 3, TieWordEmbeddings = true },
            ["(embeddings): Embedding(67, 32, padding_idx=3)", "(attn_norm): RMSNorm(32, eps=1e-06)",
            "(g_norm_swish_gate): FusedRMSNormGated(8, elementwise_affine=False, eps=1e-06, activation=swish)",
            "(lm_head): Linear(in_features=32, out_features=67, bias=False)"] },
        { new RetNetConfig { NumHeads = 4, FeatureMap = "gelu", UseOutputGate = false },
            ["(feature_map_fn): GELUActivation()", "(q_proj): Linear(in_features=32, out_features=32, bias=False)",
            "(g_norm): RMSNorm(16, eps=1e-06)", "(gate_fn): SiLU()",
            "(rotary): RotaryEmbedding(dim=8, base=10000.0, interleaved=False, pos_idx_in_fp32=True)"] },
        { new RWKV6Config { NumHeads = 2, FuseNorm = false, NormFirst = false },
            ["(attn_norm): LayerNorm((32,), eps=1e-05, elementwise_affine=True)", "(g_norm): GroupNorm(2, 32, eps=1e-05)",
            "(ffn_norm): LayerNorm((32,), eps=1e-05, elementwise_affine=True)",
            "(norm): LayerNorm((32,), eps=1e-05, elementwise_affine=True)"] },
        { new RWKV7Config { HeadDim = 16, FuseNorm = false },
            ["(pre_norm): LayerNorm((32,), eps=1e-05, elementwise_affine=True)", "(g_norm): GroupNorm(2, 32, eps=0.00016, affine=True)"] },
        { new SambaConfig { FuseNorm = false, Attn = null }, ["(mixer_norm): RMSNorm(32, eps=1e-05)",
            "(mlp_norm): RMSNorm((32,), eps=1e-05, elementwise_affine=True)", "(norm_f): RMSNorm(32, eps=1e-05)"] },
        { new MambaConfig { FuseNorm = false }, ["(norm): RMSNorm(32, eps=1e-05)", "(norm_f): RMSNorm(32, eps=1e-05)"] },
        { new LinearAttentionConfig { NumHeads = 2, FeatureMap = "t2r", TieFeatureMapQk = true, HiddenAct = "powlu" },
            ["(feature_map_q): T2RFeatureMap(head_dim=16, dot_dim=16, bias=False)",
            "(feature_map_k): T2RFeatureMap(head_dim=16, dot_dim=16, bias=False)",
            "(down_proj): Linear(in_features=256, out_features=32, bias=False)", ")"] },
    };

    [Theory]
    [MemberData(nameof(Options))]
    public void A_model_prints_its_options_in_this_order(PretrainedConfig config, string[] expected)
    {
        using var model = AutoModelForCausalLM.FromConfig(config with { HiddenSize = 32, NumHiddenLayers = 2, VocabSize = 67 });
        string[] lines = [.. model.ToString().Split('\n').Select(line => line.Trim())];
        var at = -1;
        Assert.All(expected, line => Assert.True((at = Array.IndexOf(lines, line, at + 1)) >= 0, $"{line} in\n{model}"));
    }

    [Fact]
    public void Of_tied_feature_maps_a_checkpoint_needs_one()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var model = AutoModelForCausalLM.FromConfig(new LinearAttentionConfig
        {
            HiddenSize = 32, NumHiddenLayers = 1, VocabSize = 67, NumHeads = 2, TieFeatureMapQk = true,
        });
        model.SavePretrained(folder.Path);
        Assert.Equal(4, model.state_dict().Keys.Count(name => name.Contains("feature_map_k")));
        var weights = model.state_dict().Where(entry => !entry.Key.Contains("feature_map_k")).ToDictionary();
        SafetensorsFile.Save(Path.Combine(folder.Path, "model.safetensors"), weights);
        using var read = AutoModelForCausalLM.FromPretrained(folder.Path);
        var ids = randint(67, [1, 7], ScalarType.Int64);
        Assert.True(read.forward(ids).Logits!.equal(model.forward(ids).Logits!).all().item<bool>());
    }
}
