using Fla.Layers.Modules;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Fla.Layers;

/// <summary>Gated DeltaNet: the delta rule on a state that decays, one decay a head. Yang et al., 2024, arXiv:2412.06464.</summary>
public sealed class GatedDeltaNet : RecurrentMixer
{
    private readonly Linear q_proj, k_proj, v_proj, a_proj, b_proj;
    private readonly Parameter A_log, dt_bias;
    private readonly ShortConvolution? q_conv1d, k_conv1d, v_conv1d;
    private readonly Linear? g_proj;
    private readonly nn.Module o_norm;
    private readonly Linear o_proj;
    private readonly HeadNorm norm;
    private readonly long heads, valueHeads;
    private readonly bool negative;

    /// <summary>Makes one.</summary>
    /// <param name="hiddenSize">The channels D of a token.</param>
    /// <param name="expandV">The channels of a head's value, as a multiple of those of its key.</param>
    /// <param name="headDim">The channels of a head's key.</param>
    /// <param name="numHeads">The number of heads of queries and keys.</param>
    /// <param name="numVHeads">The number of heads of values, a multiple; null for the same.</param>
    /// <param name="mode">chunk, fused_chunk, parallel or fused_recurrent.</param>
    /// <param name="useGate">Whether the output is gated.</param>
    /// <param name="useShortConv">Whether queries, keys and values pass a short convolution.</param>
    /// <param name="allowNegEigval">Whether shares go up to 2, where the transition has an eigenvalue of -1.</param>
    /// <param name="convSize">How many tokens the convolution spans.</param>
    /// <param name="convBias">Whether it has a bias.</param>
    /// <param name="layerIdx">The layer's index in its model, needed with a cache.</param>
    /// <param name="normEps">What the output's norm adds to the mean square.</param>
    /// <exception cref="ArgumentException">Sizes do not fit, or the mode is unknown.</exception>
    public GatedDeltaNet(
        long hiddenSize = 2048,
        double expandV = 2,
        long headDim = 256,
        long numHeads = 6,
        long? numVHeads = null,
        string mode = "chunk",
        bool useGate = true,
        bool useShortConv = true,
        bool allowNegEigval = false,
        long convSize = 4,
        bool convBias = false,
        int? layerIdx = null,
        double normEps = 1e-5)
        : base(nameof(GatedDeltaNet), hiddenSize, mode, Ops.GatedDeltaRule.Op, layerIdx)
    {
        (heads, valueHeads, negative) = (numHeads, numVHeads ?? numHeads, allowNegEigval);
        Require.Split(valueHeads, heads, nameof(numVHeads));
        var valueDim = Require.Expanded(headDim, expandV, nameof(expandV));
        var (keys, values) = (heads * headDim, valueHeads * valueDim);

        q_proj = nn.Linear(hiddenSize, keys, hasBias: false);
        k_proj = nn.Linear(hiddenSize, keys, hasBias: false);
        v_proj = nn.Linear(hiddenSize, values, hasBias: false);
        a_proj = nn.Linear(hiddenSize, valueHeads, hasBias: false);
        b_proj = nn.Linear(hiddenSize, valueHeads, hasBias: false);
        A_log = StepSize.LogRates(valueHeads, 0, 16);
        dt_bias = StepSize.Bias(valueHeads);
        if (useShortConv)
        {
            q_conv1d = new(keys, convSize, convBias);
            k_conv1d = new(keys, convSize, convBias);
            v_conv1d = new(values, convSize, convBias);
        }

        g_proj = useGate ? nn.Linear(hiddenSize, values, hasBias: false) : null;
        norm = new(valueDim, useGate, normEps);
        o_norm = norm.Module;
        o_proj = nn.Linear(values, hiddenSize, hasBias: false);
        RegisterComponents();
    }

    private protected override Tensor Mix(Tensor x, MixerCall call)
    {
        var q = Heads(call.ConvolveOrSilu(q_conv1d, q_proj.forward(x)), heads);
        var k = Heads(call.ConvolveOrSilu(k_conv1d, k_proj.forward(x)), heads);
        var v = Heads(call.ConvolveOrSilu(v_conv1d, v_proj.forward(x)), valueHeads);
        var g = LogDecay.FromStep(a_proj.forward(x), dt_bias, A_log);
        var beta = WriteStrength.FromLogits(b_proj.forward(x), negative);
        var o = call.Recur(Ops.GatedDeltaRule.Op, [q, k, v, g, beta], l2Norm: true);
        return o_proj.forward(norm.Apply(o, g_proj?.forward(x)));
    }
}
