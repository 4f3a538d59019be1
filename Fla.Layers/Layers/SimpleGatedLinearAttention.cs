using Fla.Layers.Modules;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Fla.Layers;

/// <summary>Linear attention with one decay a head that depends on the token, as in Mamba-2. Dao and Gu, 2024, arXiv:2405.21060.</summary>
public sealed class SimpleGatedLinearAttention : RecurrentMixer
{
    private readonly Linear q_proj, k_proj, v_proj, g_proj;
    private readonly ShortConvolution? q_conv1d, k_conv1d, v_conv1d;
    private readonly Linear gk_proj;
    private readonly FusedRMSNormGated? g_norm_swish_gate;
    private readonly RMSNorm? g_norm;
    private readonly Linear o_proj;
    private readonly HeadNorm norm;
    private readonly Func<Tensor, Tensor>? feature;
    private readonly HeadSizes sizes;
    private readonly double temperature;

    /// <summary>Makes one.</summary>
    /// <param name="mode">chunk, fused_chunk, parallel or fused_recurrent.</param>
    /// <param name="hiddenSize">The channels D of a token.</param>
    /// <param name="expandK">The channels of all heads' keys, as a multiple of D.</param>
    /// <param name="expandV">The channels of all heads' values, as a multiple of D.</param>
    /// <param name="numHeads">The number of heads.</param>
    /// <param name="numKvHeads">The number of heads of keys and values, each shared by neighbouring heads; null for all.</param>
    /// <param name="featureMap">An activation of queries and keys, by its name in <see cref="Activations.Get"/>; null for none.</param>
    /// <param name="useShortConv">Whether queries, keys and values pass a short convolution.</param>
    /// <param name="convSize">How many tokens it spans.</param>
    /// <param name="convBias">Whether it has a bias.</param>
    /// <param name="gateFn">The output gate's activation.</param>
    /// <param name="elementwiseAffine">Whether the norm has weights.</param>
    /// <param name="normEps">What the norm adds to the mean square.</param>
    /// <param name="gateLogitNormalizer">What log decays are divided by: the larger, the longer the memory.</param>
    /// <param name="fuseNorm">Whether norm and gate are one module, which names its weight.</param>
    /// <param name="layerIdx">The layer's index in its model, needed with a cache.</param>
    /// <exception cref="ArgumentException">Sizes do not fit, or a name is unknown.</exception>
    public SimpleGatedLinearAttention(
        string mode = "chunk",
        long hiddenSize = 1024,
        double expandK = 1,
        double expandV = 1,
        long numHeads = 4,
        long? numKvHeads = null,
        string? featureMap = null,
        bool useShortConv = true,
        long convSize = 4,
        bool convBias = false,
        string gateFn = "swish",
        bool elementwiseAffine = true,
        double normEps = 1e-5,
        double gateLogitNormalizer = 16,
        bool fuseNorm = true,
        int? layerIdx = null)
        : base(nameof(SimpleGatedLinearAttention), hiddenSize, mode, Ops.SimpleGatedLinearAttention.Op, layerIdx)
    {
        sizes = HeadSizes.Of(hiddenSize, expandK, expandV, numHeads, numKvHeads);
        temperature = gateLogitNormalizer;
        feature = featureMap is null ? null : Activations.Get(featureMap);

        q_proj = nn.Linear(hiddenSize, sizes.Queries, hasBias: false);
        k_proj = nn.Linear(hiddenSize, sizes.Keys, hasBias: false);
        v_proj = nn.Linear(hiddenSize, sizes.Values, hasBias: false);
        g_proj = nn.Linear(hiddenSize, sizes.Outputs, hasBias: false);
        if (useShortConv)
        {
            q_conv1d = new(sizes.Queries, convSize, convBias);
            k_conv1d = new(sizes.Keys, convSize, convBias);
            v_conv1d = new(sizes.Values, convSize, convBias);
        }

        gk_proj = nn.Linear(hiddenSize, numHeads);
        norm = new(sizes.ValueDim, gated: true, gateFn, Activations.Get(gateFn), fuseNorm, elementwiseAffine, normEps);
        (g_norm_swish_gate, g_norm) = (norm.Fused, norm.Plain);
        o_proj = nn.Linear(sizes.Outputs, hiddenSize, hasBias: false);
        RegisterComponents();
    }

    private protected override Tensor Mix(Tensor x, MixerCall call)
    {
        var q = call.Convolve(q_conv1d, q_proj.forward(x));
        var k = call.Convolve(k_conv1d, k_proj.forward(x));
        var v = call.Convolve(v_conv1d, v_proj.forward(x));
        if (feature is not null)
            (q, k) = (feature(q), feature(k));

        var g = LogDecay.FromLogits(gk_proj.forward(x), temperature);
        var o = call.Recur(Ops.SimpleGatedLinearAttention.Op, [Heads(q, sizes.Heads), Heads(k, sizes.KvHeads), Heads(v, sizes.KvHeads), g]);
        return o_proj.forward(norm.Apply(o, g_proj.forward(x)));
    }
}
