using Fla.Layers.Modules;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Fla.Layers;

/// <summary>
/// Kimi delta attention: the delta rule on a state that decays, a decay for each key channel. Kimi Team, 2025, arXiv:2510.26692.
/// </summary>
public sealed class KimiDeltaAttention : RecurrentMixer
{
    private readonly Linear q_proj, k_proj, v_proj;
    private readonly ShortConvolution? q_conv1d, k_conv1d, v_conv1d;
    private readonly Sequential f_proj;
    private readonly Linear b_proj;
    private readonly Parameter A_log, dt_bias;
    private readonly Sequential g_proj;
    private readonly FusedRMSNormGated o_norm;
    private readonly Linear o_proj;
    private readonly long heads, valueHeads;
    private readonly bool negative;
    private readonly double? lowerBound;

    /// <summary>Makes one.</summary>
    /// <param name="hiddenSize">The channels D of a token.</param>
    /// <param name="expandV">The channels of a head's value, as a multiple of those of its key.</param>
    /// <param name="headDim">The channels of a head's key.</param>
    /// <param name="numHeads">The number of heads of queries and keys.</param>
    /// <param name="numVHeads">The number of heads of values, a multiple; null for the same.</param>
    /// <param name="mode">chunk, fused_chunk, parallel or fused_recurrent.</param>
    /// <param name="useShortConv">Whether queries, keys and values pass a short convolution.</param>
    /// <param name="allowNegEigval">Whether shares go up to 2, where the transition has an eigenvalue of -1.</param>
    /// <param name="safeGate">Whether decay rates begin at 1, which goes with a lower bound of at least -5.</param>
    /// <param name="lowerBound">Log decays are kept between it and 0 by a sigmoid: below 0; null for none.</param>
    /// <param name="convSize">How many tokens the convolution spans.</param>
    /// <param name="convBias">Whether it has a bias.</param>
    /// <param name="layerIdx">The layer's index in its model, needed with a cache.</param>
    /// <param name="normEps">What the output's norm adds to the mean square.</param>
    /// <exception cref="ArgumentException">Sizes do not fit, or the mode is unknown, or the bound out of range.</exception>
    public KimiDeltaAttention(
        long hiddenSize = 2048,
        double expandV = 1,
        long headDim = 128,
        long numHeads = 16,
        long? numVHeads = null,
        string mode = "chunk",
        bool useShortConv = true,
        bool allowNegEigval = false,
        bool safeGate = false,
        double? lowerBound = null,
        long convSize = 4,
        bool convBias = false,
        int? layerIdx = null,
        double normEps = 1e-5)
        : base(nameof(KimiDeltaAttention), hiddenSize, mode, Ops.KimiDeltaAttention.Op, layerIdx)
    {
        if (safeGate ? lowerBound is not (>= -5 and < 0) : lowerBound is not (null or < 0))
            throw new ArgumentException(
                $"{nameof(lowerBound)}: expected {(safeGate ? "a log decay from -5 to below 0" : "a log decay below 0, or none")}, " +
                $"came {lowerBound?.ToString() ?? "none"}.",
                nameof(lowerBound));

        (heads, valueHeads, negative, this.lowerBound) = (numHeads, numVHeads ?? numHeads, allowNegEigval, lowerBound);
        Require.Split(valueHeads, heads, nameof(numVHeads));
        var valueDim = Require.Expanded(headDim, expandV, nameof(expandV));
        var (keys, values) = (heads * headDim, valueHeads * valueDim);

        q_proj = nn.Linear(hiddenSize, keys, hasBias: false);
        k_proj = nn.Linear(hiddenSize, keys, hasBias: false);
        v_proj = nn.Linear(hiddenSize, values, hasBias: false);
        if (useShortConv)
        {
            q_conv1d = new(keys, convSize, convBias);
            k_conv1d = new(keys, convSize, convBias);
            v_conv1d = new(values, convSize, convBias);
        }

        f_proj = nn.Sequential(
            nn.Linear(hiddenSize, valueDim, hasBias: false), nn.Linear(valueDim, valueHeads * headDim, hasBias: false));
        b_proj = nn.Linear(hiddenSize, valueHeads, hasBias: false);
        A_log = safeGate ? new Parameter(zeros(valueHeads)) : StepSize.LogRates(valueHeads, 1, 16);
        dt_bias = StepSize.Bias(valueHeads * headDim);
        g_proj = nn.Sequential(nn.Linear(hiddenSize, valueDim, hasBias: false), nn.Linear(valueDim, values));
        o_norm = new(valueDim, eps: normEps, activation: "sigmoid");
        o_proj = nn.Linear(values, hiddenSize, hasBias: false);
        RegisterComponents();
    }

    private protected override Tensor Mix(Tensor x, MixerCall call)
    {
        var q = Heads(call.ConvolveOrSilu(q_conv1d, q_proj.forward(x)), heads);
        var k = Heads(call.ConvolveOrSilu(k_conv1d, k_proj.forward(x)), heads);
        var v = Heads(call.ConvolveOrSilu(v_conv1d, v_proj.forward(x)), valueHeads);
        var beta = WriteStrength.FromLogits(b_proj.forward(x), negative);
        var o = call.Recur(Ops.KimiDeltaAttention.Op, [q, k, v, Decay(x), beta], l2Norm: true);
        return o_proj.forward(o_norm.forward(o, Heads(g_proj.forward(x), valueHeads)).flatten(-2));
    }

    private Tensor Decay(Tensor x)
    {
        var step = Heads(f_proj.forward(x), valueHeads);
        var bias = dt_bias.view(valueHeads, -1);
        var rate = A_log.unsqueeze(-1);
        return lowerBound is { } bound
            ? (Precision.Widen(rate).exp() * Precision.Widen(step).Plus(Precision.Widen(bias))).sigmoid().Times(bound)
            : LogDecay.FromStep(step, bias, rate);
    }
}
