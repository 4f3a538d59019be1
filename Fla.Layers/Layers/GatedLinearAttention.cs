using Fla.Dsl.Runtime;
using Fla.Layers.Modules;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Fla.Layers;

/// <summary>
/// Gated linear attention: a decay for each key channel, through a bottleneck. Yang et al., 2024, arXiv:2312.06635, section 4.4.
/// </summary>
public sealed class GatedLinearAttention : RecurrentMixer
{
    private readonly Linear q_proj, k_proj, v_proj;
    private readonly Linear? g_proj;
    private readonly ShortConvolution? q_conv1d, k_conv1d, v_conv1d;
    private readonly Sequential gk_proj;
    private readonly Linear o_proj;
    private readonly FusedRMSNormGated? g_norm_swish_gate;
    private readonly RMSNorm? g_norm;
    private readonly HeadNorm norm;
    private readonly Func<Tensor, Tensor>? feature;
    private readonly HeadSizes sizes;
    private readonly double temperature;
    private readonly double? clampMin;

    /// <summary>Makes one.</summary>
    /// <param name="mode">chunk, fused_chunk, parallel or fused_recurrent.</param>
    /// <param name="hiddenSize">The channels D of a token.</param>
    /// <param name="expandK">The channels of all heads' keys, as a multiple of D.</param>
    /// <param name="expandV">The channels of all heads' values, as a multiple of D.</param>
    /// <param name="numHeads">The number of heads.</param>
    /// <param name="numKvHeads">The number of heads of keys, values and decays, each shared by neighbouring heads; null for all.</param>
    /// <param name="featureMap">An activation of queries and keys, by its name in <see cref="Activations.Get"/>; null for none.</param>
    /// <param name="useShortConv">Whether queries, keys and values pass a short convolution.</param>
    /// <param name="convSize">How many tokens it spans.</param>
    /// <param name="convBias">Whether it has a bias.</param>
    /// <param name="useOutputGate">Whether the output is gated.</param>
    /// <param name="gateFn">The gate's activation.</param>
    /// <param name="elementwiseAffine">Whether the norm has weights.</param>
    /// <param name="normEps">What the norm adds to the mean square.</param>
    /// <param name="gateLogitNormalizer">What log decays are divided by: the larger, the longer the memory.</param>
    /// <param name="gateLowRankDim">The bottleneck of the decays.</param>
    /// <param name="clampMin">The least log decay; null for none.</param>
    /// <param name="fuseNorm">Whether norm and gate are one module, which names its weight.</param>
    /// <param name="layerIdx">The layer's index in its model, needed with a cache.</param>
    /// <exception cref="ArgumentException">Sizes do not fit, or a name is unknown.</exception>
    public GatedLinearAttention(
        string mode = "chunk",
        long hiddenSize = 1024,
        double expandK = 0.5,
        double expandV = 1,
        long numHeads = 4,
        long? numKvHeads = null,
        string? featureMap = null,
        bool useShortConv = false,
        long convSize = 4,
        bool convBias = false,
        bool useOutputGate = true,
        string gateFn = "swish",
        bool elementwiseAffine = true,
        double normEps = 1e-5,
        double gateLogitNormalizer = 16,
        long gateLowRankDim = 16,
        double? clampMin = null,
        bool fuseNorm = true,
        int? layerIdx = null)
        : base(nameof(GatedLinearAttention), hiddenSize, mode, Ops.GatedLinearAttention.Op, layerIdx)
    {
        sizes = HeadSizes.Of(hiddenSize, expandK, expandV, numHeads, numKvHeads);
        (temperature, this.clampMin) = (gateLogitNormalizer, clampMin);
        feature = featureMap is null ? null : Activations.Get(featureMap);

        q_proj = nn.Linear(hiddenSize, sizes.Queries, hasBias: false);
        k_proj = nn.Linear(hiddenSize, sizes.Keys, hasBias: false);
        v_proj = nn.Linear(hiddenSize, sizes.Values, hasBias: false);
        g_proj = useOutputGate ? nn.Linear(hiddenSize, sizes.Outputs, hasBias: false) : null;
        if (useShortConv)
        {
            q_conv1d = new(sizes.Queries, convSize, convBias);
            k_conv1d = new(sizes.Keys, convSize, convBias);
            v_conv1d = new(sizes.Values, convSize, convBias);
        }

        gk_proj = nn.Sequential(nn.Linear(hiddenSize, gateLowRankDim, hasBias: false), nn.Linear(gateLowRankDim, sizes.Keys));
        o_proj = nn.Linear(sizes.Outputs, hiddenSize, hasBias: false);
        norm = new(sizes.ValueDim, useOutputGate, gateFn, Activations.Get(gateFn), fuseNorm, elementwiseAffine, normEps);
        (g_norm_swish_gate, g_norm) = (norm.Fused, norm.Plain);
        RegisterComponents();
    }

    private protected override Tensor Mix(Tensor x, MixerCall call)
    {
        var q = Heads(call.Convolve(q_conv1d, q_proj.forward(x)), sizes.Heads);
        var k = Heads(call.Convolve(k_conv1d, k_proj.forward(x)), sizes.KvHeads);
        var v = Heads(call.Convolve(v_conv1d, v_proj.forward(x)), sizes.KvHeads);
        var gk = LogDecay.FromLogits(Heads(gk_proj.forward(x), sizes.KvHeads), temperature);
        if (clampMin is { } least)
            gk = gk.clamp_min(Scalars.Of(least));
        if (feature is not null)
            (q, k) = (feature(q), feature(k));

        var o = call.Recur(Ops.GatedLinearAttention.Op, [q, k, v, gk]);
        return o_proj.forward(norm.Apply(o, g_proj?.forward(x)));
    }
}
