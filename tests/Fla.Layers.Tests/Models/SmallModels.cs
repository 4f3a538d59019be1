using Fla.Layers.Models;

namespace Fla.Layers.Tests.Models;

/// <summary>
/// Small models whose sizes and options are not those of the golden ones: every option that changes what is computed is on somewhere.
/// </summary>
internal static class SmallModels
{
    private static readonly AttentionSpec Window = new() { Layers = [1], NumHeads = 4, NumKvHeads = 2, QkvBias = true, WindowSize = 5 };

    public static readonly IReadOnlyDictionary<string, PretrainedConfig> All = new Dictionary<string, PretrainedConfig>
    {
        ["transformer, grouped, normalised, windowed"] = Sized(new TransformerConfig
        {
            NumHeads = 4, NumKvHeads = 2, QkNorm = true, QkvBias = true, WindowSize = 6, TieWordEmbeddings = true,
        }),
        ["retnet, grouped"] = Sized(new RetNetConfig { NumHeads = 4, NumKvHeads = 2, FeatureMap = "relu", PadTokenId = 3 }),
        ["gla, convolved, grouped, hybrid"] = Sized(new GLAConfig
        {
            NumHeads = 4, NumKvHeads = 2, UseShortConv = true, ClampMin = -1.0, FeatureMap = "relu",
            Attn = Window, TieWordEmbeddings = true,
        }),
        ["gla, norms apart"] = Sized(new GLAConfig { ExpandK = 1.0, UseOutputGate = false, FuseNorm = false, ElementwiseAffine = false }),
        ["delta_net, gated"] = Sized(new DeltaNetConfig
        {
            NumHeads = 4, UseGate = true, AllowNegEigval = true, QkActivation = "relu",
        }),
        ["abc, convolved"] = Sized(new ABCConfig { NumHeads = 2, NumSlots = 8, UseShortConv = true, Attn = Window }),
        ["hgrn, convolved"] = Sized(new HGRNConfig { UseShortConv = true, Attn = Window }),
        ["hgrn2, convolved"] = Sized(new HGRN2Config { ExpandRatio = null, NumHeads = 4, UseShortConv = true }),
        ["rwkv6, tied"] = Sized(new RWKV6Config { NumHeads = 2, ProjLowRankDim = 8, GateLowRankDim = 8, TieWordEmbeddings = true }),
        ["rwkv7, other ranks"] = Sized(new RWKV7Config { HeadDim = 16, NumHeads = null, VLowRankDim = 8, GateLowRankDim = 24 }),
        ["samba, windowed"] = Sized(new SambaConfig { Attn = Window }),
        ["mamba"] = Sized(new MambaConfig { StateSize = 4, UseBias = true }),
        ["mamba2, grouped"] = Sized(new Mamba2Config { HeadDim = 16, StateSize = 8, NGroups = 2, TieWordEmbeddings = true }),
        ["gsa, grouped, convolved"] = Sized(new GSAConfig { NumHeads = 4, NumKvHeads = 2, NumSlots = 8, UseShortConv = true }),
        ["gated_deltanet, more values"] = Sized(new GatedDeltaNetConfig
        {
            HeadDim = 8, NumHeads = 2, NumVHeads = 4, AllowNegEigval = true, Attn = Window,
        }),
        ["kda, more values"] = Sized(new KDAConfig { HeadDim = 8, NumHeads = 2, NumVHeads = 4, SafeGate = true, LowerBound = -5.0 }),
        ["linear_attn, normalised"] = Sized(new LinearAttentionConfig
        {
            NumHeads = 4, NumKvHeads = 2, FeatureMap = "elu", NormFeatureMap = true,
        }),
        ["linear_attn, tied features"] = Sized(new LinearAttentionConfig
        {
            FeatureMap = "hedgehog", TieFeatureMapQk = true, NormQ = true, NormK = true, HiddenAct = "powlu",
        }),
    };

    private static PretrainedConfig Sized(PretrainedConfig config) => config with { HiddenSize = 32, NumHiddenLayers = 3, VocabSize = 67 };
}
