using Fla.Dsl.Runtime;
using Fla.Layers.Modules;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Fla.Layers;

/// <summary>
/// Attention with bounded-memory control: softmax attention over a few slots, each an average of the past. Peng et al., 2022,
/// arXiv:2110.02488; Zhang et al., 2024, arXiv:2409.07146, section 2.
/// </summary>
public sealed class ABCAttention : RecurrentMixer
{
    private readonly Linear q_proj, k_proj, v_proj;
    private readonly Linear? g_proj;
    private readonly Linear s_proj, o_proj;
    private readonly ShortConvolution? q_conv1d, k_conv1d, v_conv1d;
    private readonly nn.Module? g_norm;
    private readonly RotaryEmbedding? rotary;
    private readonly HeadSizes sizes;
    private readonly bool gatesInput;
    private readonly (double Least, double Most) limit;

    /// <summary>Makes one.</summary>
    /// <param name="hiddenSize">The channels D of a token.</param>
    /// <param name="expandK">The channels of all heads' keys, as a multiple of D.</param>
    /// <param name="expandV">The channels of all heads' values, as a multiple of D.</param>
    /// <param name="numHeads">The number of heads.</param>
    /// <param name="useShortConv">Whether queries, keys and values pass a short convolution.</param>
    /// <param name="convSize">How many tokens it spans.</param>
    /// <param name="convBias">Whether it has a bias.</param>
    /// <param name="numSlots">The number of slots of a head; null for the channels of a head's key.</param>
    /// <param name="elementwiseAffine">Whether the norm has weights.</param>
    /// <param name="normEps">What the norm adds to the mean square.</param>
    /// <param name="useRope">Whether queries and keys have rotary positions.</param>
    /// <param name="useInputGate">Whether queries, keys and values are bent by silu.</param>
    /// <param name="useOutputGate">Whether the output is gated.</param>
    /// <param name="useNorm">Whether the output is normalised.</param>
    /// <param name="clampMin">The least logit of a slot.</param>
    /// <param name="clampMax">The largest.</param>
    /// <param name="layerIdx">The layer's index in its model, needed with a cache.</param>
    /// <param name="mode">chunk, fused_chunk, parallel or fused_recurrent.</param>
    /// <exception cref="ArgumentException">Sizes do not fit, or the mode is unknown.</exception>
    public ABCAttention(
        long hiddenSize = 1024,
        double expandK = 0.5,
        double expandV = 1,
        long numHeads = 4,
        bool useShortConv = false,
        long convSize = 4,
        bool convBias = false,
        long? numSlots = null,
        bool elementwiseAffine = true,
        double normEps = 1e-5,
        bool useRope = true,
        bool useInputGate = false,
        bool useOutputGate = true,
        bool useNorm = true,
        double clampMin = -32,
        double clampMax = 32,
        int? layerIdx = null,
        string mode = "chunk")
        : base(nameof(ABCAttention), hiddenSize, mode, Ops.AbcAttention.Op, layerIdx)
    {
        if (!(clampMin < clampMax))
            throw new ArgumentException($"{nameof(clampMax)}: expected more than {clampMin}, came {clampMax}.", nameof(clampMax));
        sizes = HeadSizes.Of(hiddenSize, expandK, expandV, numHeads);
        (gatesInput, limit) = (useInputGate, (clampMin, clampMax));

        q_proj = nn.Linear(hiddenSize, sizes.Queries, hasBias: false);
        k_proj = nn.Linear(hiddenSize, sizes.Keys, hasBias: false);
        v_proj = nn.Linear(hiddenSize, sizes.Values, hasBias: false);
        g_proj = useOutputGate ? nn.Linear(hiddenSize, sizes.Outputs, hasBias: false) : null;
        s_proj = nn.Linear(hiddenSize, numHeads * (numSlots ?? sizes.KeyDim), hasBias: false);
        o_proj = nn.Linear(sizes.Outputs, hiddenSize, hasBias: false);
        if (useShortConv)
        {
            q_conv1d = new(sizes.Queries, convSize, convBias);
            k_conv1d = new(sizes.Keys, convSize, convBias);
            v_conv1d = new(sizes.Values, convSize, convBias);
        }

        if (useNorm)
            g_norm = useOutputGate
                ? new FusedRMSNormGated(sizes.ValueDim, elementwiseAffine, normEps)
                : new RMSNorm(sizes.ValueDim, elementwiseAffine, eps: normEps);
        rotary = useRope ? new(sizes.KeyDim) : null;
        RegisterComponents();
    }

    private protected override Tensor Mix(Tensor x, MixerCall call)
    {
        var q = Input(q_conv1d, q_proj);
        var k = Input(k_conv1d, k_proj);
        var v = Input(v_conv1d, v_proj);
        if (rotary is not null)
            (q, k) = rotary.forward(q, k, call.Positions(x));

        var s = Precision.Widen(Heads(s_proj.forward(x), sizes.Heads)).clamp(Scalars.Of(limit.Least), Scalars.Of(limit.Most));
        var o = call.Recur(Ops.AbcAttention.Op, [q, k, v, s]);
        var g = g_proj is null ? null : Heads(g_proj.forward(x), sizes.Heads);
        var y = g_norm switch
        {
            FusedRMSNormGated gated => gated.forward(o, g!),
            RMSNorm norm => norm.forward(o),
            _ => g is null ? o : o * nn.functional.silu(g),
        };
        return o_proj.forward(y.flatten(-2));

        Tensor Input(ShortConvolution? convolution, Linear projection)
        {
            var mixed = call.Convolve(convolution, projection.forward(x));
            return Heads(gatesInput ? nn.functional.silu(mixed) : mixed, sizes.Heads);
        }
    }
}
