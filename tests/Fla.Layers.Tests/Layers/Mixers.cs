using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Layers.Tests.Layers;

/// <summary>Calls a mixer; one that takes more than others is given it by whoever made this.</summary>
internal delegate Tensor MixerForward(Tensor x, Tensor? mask = null, Cache? cache = null, Tensor? cuSeqlens = null);

/// <summary>Every token mixer over recurrences, in the forms that differ in more than sizes, tiny.</summary>
internal static class Mixers
{
    public const long Size = 16;

    private static readonly Dictionary<string, Func<string, TokenMixer>> Made = new()
    {
        ["retention"] = mode => new MultiScaleRetention(mode, Size, numHeads: 2, layerIdx: 0),
        ["retention: convolution, shared keys, no gate"] = mode =>
            new MultiScaleRetention(
                mode, Size, numHeads: 4, numKvHeads: 2, useShortConv: true, convBias: true, useOutputGate: false, layerIdx: 0),
        ["retention: feature map, gate apart"] = mode =>
            new MultiScaleRetention(mode, Size, expandV: 1, numHeads: 2, featureMap: "silu", gateFn: "gelu", layerIdx: 0),
        ["GLA"] = mode => new GatedLinearAttention(mode, Size, numHeads: 2, layerIdx: 0),
        ["GLA: convolution, shared keys"] = mode =>
            new GatedLinearAttention(
                mode, Size, expandK: 1, numHeads: 4, numKvHeads: 2, useShortConv: true, featureMap: "gelu", layerIdx: 0),
        ["GLA: bounded decay, norm apart"] = mode =>
            new GatedLinearAttention(mode, Size, numHeads: 2, clampMin: -0.05, fuseNorm: false, elementwiseAffine: false, layerIdx: 0),
        ["GLA: no gate"] = mode => new GatedLinearAttention(mode, Size, numHeads: 2, useOutputGate: false, layerIdx: 0),
        ["DeltaNet"] = mode => new DeltaNet(mode, hiddenSize: Size, numHeads: 2, layerIdx: 0),
        ["DeltaNet: gate, no convolution"] = mode =>
            new DeltaNet(mode, hiddenSize: Size, numHeads: 2, useGate: true, useShortConv: false, allowNegEigval: true, layerIdx: 0),
        ["DeltaNet: elu, sums, no shares"] = mode =>
            new DeltaNet(mode, dModel: Size, numHeads: 2, useBeta: false, convBias: true, qkActivation: "elu", qkNorm: "sum", layerIdx: 0),
        ["HGRN"] = mode => new HGRNAttention(mode, Size, layerIdx: 0),
        ["HGRN: convolution, bound"] = mode => new HGRNAttention(mode, Size, expandRatio: 2, useShortConv: true, layerIdx: 1),
        ["HGRN2"] = mode => new HGRN2Attention(mode, Size, expandRatio: 4, layerIdx: 0),
        ["HGRN2: convolution, bound"] = mode => new HGRN2Attention(mode, Size, 2, null, useShortConv: true, layerIdx: 1),
        ["HGRN2: fewer keys than values"] = mode => new HGRN2Attention(mode, Size, expandRatio: 6, layerIdx: 0),
        ["RWKV-6"] = mode => new RWKV6Attention(mode, Size, numHeads: 2, projLowRankDim: 3, gateLowRankDim: 4, layerIdx: 0),
        ["RWKV-7"] = mode => new RWKV7Attention(mode, Size, headDim: 4, numHiddenLayers: 2, layerIdx: 0),
        ["RWKV-7: second layer"] = mode =>
            new RWKV7Attention(mode, Size, null, numHeads: 2, fuseNorm: true, numHiddenLayers: 2, layerIdx: 1),
        ["GSA"] = mode => new GatedSlotAttention(mode, Size, numHeads: 2, numSlots: 3, layerIdx: 0),
        ["GSA: convolution, shared keys, learned features"] = mode =>
            new GatedSlotAttention(mode, Size, numHeads: 4, numKvHeads: 2, numSlots: 3, useShortConv: true, featureMap: "t2r", layerIdx: 0),
        ["ABC"] = mode => new ABCAttention(Size, numHeads: 2, numSlots: 3, layerIdx: 0, mode: mode),
        ["ABC: convolution, gated input, no gate"] = mode => new ABCAttention(
            Size, numHeads: 2, useShortConv: true, numSlots: 3, useInputGate: true, useOutputGate: false, layerIdx: 0, mode: mode),
        ["ABC: no positions, no norm"] = mode =>
            new ABCAttention(Size, numHeads: 2, numSlots: 3, useRope: false, useNorm: false, layerIdx: 0, mode: mode),
        ["Mamba"] = _ => new Mamba(Size, stateSize: 4, intermediateSize: 16, dtRank: 2, layerIdx: 0),
        ["Mamba: biases"] = _ =>
            new Mamba(Size, stateSize: 3, intermediateSize: 12, useConvBias: false, useBias: true, dtInit: "constant", layerIdx: 0),
        ["Mamba-2"] = _ => new Mamba2(headDim: 4, hiddenSize: Size, stateSize: 5, layerIdx: 0),
        ["Mamba-2: groups, skip of channels, limited steps"] = _ => new Mamba2(
            8, headDim: 4, hiddenSize: Size, stateSize: 5, nGroups: 2, dHasHdim: true, normBeforeGate: true, useBias: true, convInit: 0.5,
            dtLimit: (0.002, 0.08), layerIdx: 0),
        ["Mamba-2: gate without norm"] = _ =>
            new Mamba2(headDim: 4, hiddenSize: Size, stateSize: 5, rmsnorm: false, useConvBias: false, layerIdx: 0),
        ["gated DeltaNet"] = mode => new GatedDeltaNet(Size, headDim: 4, numHeads: 2, mode: mode, layerIdx: 0),
        ["gated DeltaNet: more values, no convolution, no gate"] = mode => new GatedDeltaNet(
            Size, 1, 4, numHeads: 2, numVHeads: 4, mode: mode, useGate: false, useShortConv: false, allowNegEigval: true, layerIdx: 0),
        ["KDA"] = mode => new KimiDeltaAttention(Size, headDim: 4, numHeads: 2, mode: mode, layerIdx: 0),
        ["KDA: more values, bounded decay"] = mode => new KimiDeltaAttention(
            Size, 0.5, 4, 2, 4, mode, useShortConv: false, allowNegEigval: true, safeGate: true, lowerBound: -5, layerIdx: 0),
        ["linear attention"] = mode => new LinearAttention(mode, Size, numHeads: 2, layerIdx: 0),
        ["linear attention: elu, normalised, shared keys"] = mode => new LinearAttention(
            mode, Size, numHeads: 4, numKvHeads: 2, featureMap: "elu", normQ: true, normK: true, doFeatureMapNorm: true, layerIdx: 0),
        ["linear attention: hedgehog for both"] = mode =>
            new LinearAttention(
                mode, Size, numHeads: 2, featureMap: "hedgehog", tieFeatureMapQk: true, outputNorm: "identity", layerIdx: 0),
        ["linear attention: DPFP"] = mode => new LinearAttention(mode, Size, numHeads: 2, featureMap: "dpfp", layerIdx: 0),
        ["Based"] = mode => new BasedLinearAttention(Size, 3, 2, 2, mode, layerIdx: 0),
        ["Based: shared values, unscaled"] = mode => new BasedLinearAttention(Size, 3, 2, 4, mode, scale: 1, layerIdx: 0),
        ["ReBased"] = mode => new ReBasedLinearAttention(Size, 3, 2, 2, mode: mode, layerIdx: 0),
        ["ReBased: plain kernel"] = mode =>
            new ReBasedLinearAttention(Size, 4, 2, 4, useGamma: false, useBeta: false, normalize: false, mode: mode, layerIdx: 0),
        ["simple GLA"] = mode => new SimpleGatedLinearAttention(mode, Size, numHeads: 2, layerIdx: 0),
        ["simple GLA: shared keys, no convolution, gate apart"] = mode => new SimpleGatedLinearAttention(
            mode, Size, numHeads: 4, numKvHeads: 2, featureMap: "relu", useShortConv: false, gateFn: "sigmoid", layerIdx: 0),
    };

    /// <summary>The names of all.</summary>
    public static TheoryData<string> Names => new(Made.Keys);

    /// <summary>One of them with drawn parameters, in a type.</summary>
    public static (TokenMixer Mixer, MixerForward Forward) Make(string name, ScalarType type, string mode = "chunk")
    {
        manual_seed(2312); // a kink of relu close to what is drawn would make a difference no derivative
        var mixer = Made[name](mode);
        using (no_grad())
            foreach (var parameter in mixer.parameters())
                parameter.add_(randn_like(parameter) * 0.2);
        mixer.to(type);

        // What a model would give: bounds from its parameters, values from its first layer.
        var (bound, wide) = (linspace(0.1, 0.6, Size, type), linspace(0.1, 0.6, 2 * Size, type));
        MixerForward forward = mixer switch
        {
            HGRNAttention { LayerIdx: > 0 } hgrn => (x, mask, cache, cuSeqlens) => hgrn.forward(x, mask, cache, cuSeqlens, wide),
            HGRN2Attention { LayerIdx: > 0 } hgrn2 => (x, mask, cache, cuSeqlens) => hgrn2.forward(x, mask, cache, cuSeqlens, bound),
            RWKV7Attention { LayerIdx: > 0 } rwkv7 =>
                (x, mask, cache, cuSeqlens) => WithoutValues(rwkv7.forward(x, mask, cache, cuSeqlens, x)),
            _ => mixer.forward,
        };
        return (mixer, forward);

        static Tensor WithoutValues((Tensor Output, Tensor VFirst) result)
        {
            result.VFirst.Dispose();
            return result.Output;
        }
    }
}
