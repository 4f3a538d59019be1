using Fla.Layers.Modules;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Fla.Layers;

/// <summary>Gated slot attention: softmax attention over a few slots that forget. Zhang et al., 2024, arXiv:2409.07146.</summary>
public sealed class GatedSlotAttention : RecurrentMixer
{
    private readonly nn.Module<Tensor, Tensor> feature_map;
    private readonly Linear q_proj, k_proj, v_proj, f_proj;
    private readonly ShortConvolution? q_conv1d, k_conv1d, v_conv1d;
    private readonly RMSNorm g_norm;
    private readonly Linear o_proj;
    private readonly HeadSizes sizes;
    private readonly double temperature, scale;

    /// <summary>Makes one.</summary>
    /// <param name="mode">chunk, fused_chunk, parallel or fused_recurrent.</param>
    /// <param name="hiddenSize">The channels D of a token.</param>
    /// <param name="expandK">The channels of all heads' keys, as a multiple of D.</param>
    /// <param name="expandV">The channels of all heads' values, as a multiple of D; they must be D, for the norm is over D.</param>
    /// <param name="numHeads">The number of heads.</param>
    /// <param name="numKvHeads">The number of heads of keys, values and gates, each shared by neighbouring heads; null for all.</param>
    /// <param name="useShortConv">Whether queries, keys and values pass a short convolution.</param>
    /// <param name="convSize">How many tokens it spans.</param>
    /// <param name="convBias">Whether it has a bias.</param>
    /// <param name="numSlots">The number of slots of a head; null for the channels of a head's key.</param>
    /// <param name="elementwiseAffine">Whether the norm has weights.</param>
    /// <param name="normEps">Is printed; the norm adds 1e-5 to the mean square, as models of this kind have been trained.</param>
    /// <param name="gateLogitNormalizer">What log decays are divided by: the larger, the longer the memory.</param>
    /// <param name="featureMap">What bends queries and keys: swish, relu, or t2r (learned).</param>
    /// <param name="layerIdx">The layer's index in its model, needed with a cache.</param>
    /// <param name="scale">What the products of queries and keys are scaled by.</param>
    /// <exception cref="ArgumentException">Sizes do not fit, or a name is unknown.</exception>
    public GatedSlotAttention(
        string mode = "chunk",
        long hiddenSize = 1024,
        double expandK = 1,
        double expandV = 1,
        long numHeads = 4,
        long? numKvHeads = null,
        bool useShortConv = false,
        long convSize = 4,
        bool convBias = false,
        long? numSlots = null,
        bool elementwiseAffine = true,
        double normEps = 1e-5,
        double gateLogitNormalizer = 8,
        string featureMap = "swish",
        int? layerIdx = null,
        double scale = 1)
        : base(nameof(GatedSlotAttention), hiddenSize, mode, Ops.GatedSlotAttention.Op, layerIdx)
    {
        sizes = HeadSizes.Of(hiddenSize, expandK, expandV, numHeads, numKvHeads);
        (temperature, this.scale) = (gateLogitNormalizer, scale);
        if (sizes.Outputs != hiddenSize)
            throw new ArgumentException(
                $"{nameof(expandV)}: expected 1, for the norm is over {hiddenSize} channels; came {expandV}.", nameof(expandV));

        feature_map = Require.OneOf(featureMap, nameof(featureMap), "swish", "relu", "t2r") == "t2r"
            ? new T2RFeatureMap(sizes.KeyDim)
            : new ActivationFeatureMap(featureMap);
        q_proj = nn.Linear(hiddenSize, sizes.Queries, hasBias: false);
        k_proj = nn.Linear(hiddenSize, sizes.Keys, hasBias: false);
        v_proj = nn.Linear(hiddenSize, sizes.Values, hasBias: false);
        f_proj = nn.Linear(hiddenSize, sizes.KvHeads * (numSlots ?? sizes.KeyDim), hasBias: false);
        if (useShortConv)
        {
            q_conv1d = new(sizes.Queries, convSize, convBias);
            k_conv1d = new(sizes.Keys, convSize, convBias);
            v_conv1d = new(sizes.Values, convSize, convBias);
        }

        g_norm = new(hiddenSize, elementwiseAffine, eps: normEps);
        o_proj = nn.Linear(sizes.Outputs, hiddenSize, hasBias: false);
        RegisterComponents();
    }

    private protected override Tensor Mix(Tensor x, MixerCall call)
    {
        var q = feature_map.forward(Heads(call.Convolve(q_conv1d, q_proj.forward(x)), sizes.Heads));
        var k = feature_map.forward(Heads(call.Convolve(k_conv1d, k_proj.forward(x)), sizes.KvHeads));
        var v = nn.functional.silu(Heads(call.Convolve(v_conv1d, v_proj.forward(x)), sizes.KvHeads));
        var f = LogDecay.FromLogits(Heads(f_proj.forward(x), sizes.KvHeads), temperature);
        var s = f.exp().Complement();
        var o = call.Recur(Ops.GatedSlotAttention.Op, [q, k, v, s, f], scale);
        return RMSNormLinear.Apply(nn.functional.silu(o.flatten(-2)), g_norm, o_proj);
    }
}
