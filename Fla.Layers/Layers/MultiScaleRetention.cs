using Fla.Layers.Modules;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Fla.Layers;

/// <summary>Retention with a decay for each head and rotary positions. Sun et al., 2023, arXiv:2307.08621.</summary>
public sealed class MultiScaleRetention : RecurrentMixer
{
    private readonly HuggingFaceActivation? feature_map_fn;
    private readonly Linear q_proj, k_proj, v_proj;
    private readonly Linear? g_proj;
    private readonly ShortConvolution? q_conv1d, k_conv1d, v_conv1d;
    private readonly Linear o_proj;
    private readonly FusedRMSNormGated? g_norm_swish_gate;
    private readonly RMSNorm? g_norm;
    private readonly HuggingFaceActivation? gate_fn;
    private readonly RotaryEmbedding rotary;
    private readonly HeadNorm norm;
    private readonly HeadSizes sizes;

    /// <summary>Makes one.</summary>
    /// <param name="mode">chunk, fused_chunk, parallel or fused_recurrent.</param>
    /// <param name="hiddenSize">The channels D of a token.</param>
    /// <param name="expandK">The channels of all heads' keys, as a multiple of D.</param>
    /// <param name="expandV">The channels of all heads' values, as a multiple of D.</param>
    /// <param name="numHeads">The number of heads.</param>
    /// <param name="numKvHeads">The number of heads of keys and values, each shared by neighbouring heads; null for all.</param>
    /// <param name="featureMap">An activation of queries and keys, by its name in Hugging Face's registry; null for none.</param>
    /// <param name="useShortConv">Whether queries, keys and values pass a short convolution.</param>
    /// <param name="convSize">How many tokens it spans.</param>
    /// <param name="convBias">Whether it has a bias.</param>
    /// <param name="useOutputGate">Whether the output is gated.</param>
    /// <param name="gateFn">The gate's activation, from the same registry.</param>
    /// <param name="elementwiseAffine">Whether the norm has weights.</param>
    /// <param name="normEps">What the norm adds to the mean square.</param>
    /// <param name="fuseNorm">Whether norm and gate are one module, which names its weight.</param>
    /// <param name="layerIdx">The layer's index in its model, needed with a cache.</param>
    /// <exception cref="ArgumentException">Sizes do not fit, or a name is unknown.</exception>
    public MultiScaleRetention(
        string mode = "chunk",
        long hiddenSize = 1024,
        double expandK = 1,
        double expandV = 2,
        long numHeads = 8,
        long? numKvHeads = null,
        string? featureMap = null,
        bool useShortConv = false,
        long convSize = 4,
        bool convBias = false,
        bool useOutputGate = true,
        string gateFn = "swish",
        bool elementwiseAffine = true,
        double normEps = 1e-5,
        bool fuseNorm = true,
        int? layerIdx = null)
        : base(nameof(MultiScaleRetention), hiddenSize, mode, Ops.Retention.Op, layerIdx)
    {
        sizes = HeadSizes.Of(hiddenSize, expandK, expandV, numHeads, numKvHeads);
        feature_map_fn = featureMap is null ? null : new(featureMap);

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

        o_proj = nn.Linear(sizes.Outputs, hiddenSize, hasBias: false);
        var gate = new HuggingFaceActivation(gateFn);
        norm = new(sizes.ValueDim, useOutputGate, gateFn, gate.forward, fuseNorm, elementwiseAffine, normEps);
        (g_norm_swish_gate, g_norm) = (norm.Fused, norm.Plain);
        gate_fn = g_norm is null ? null : gate;
        rotary = new(sizes.KeyDim);
        RegisterComponents();
    }

    private protected override Tensor Mix(Tensor x, MixerCall call)
    {
        var q = Heads(call.Convolve(q_conv1d, q_proj.forward(x)), sizes.Heads);
        var k = Heads(call.Convolve(k_conv1d, k_proj.forward(x)), sizes.KvHeads);
        var v = Heads(call.Convolve(v_conv1d, v_proj.forward(x)), sizes.KvHeads);
        if (feature_map_fn is not null)
            (q, k) = (feature_map_fn.forward(q), feature_map_fn.forward(k));

        (q, k) = rotary.forward(q, k, call.Positions(x));
        var o = call.Recur(Ops.Retention.Op, [q, k, v, null]);
        return o_proj.forward(norm.Apply(o, g_proj?.forward(x)));
    }
}
