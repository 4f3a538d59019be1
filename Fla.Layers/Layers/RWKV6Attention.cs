using Fla.Layers.Modules;
using TorchSharp.Modules;
using static TorchSharp.torch;
using GroupNorm = Fla.Layers.Modules.GroupNorm;

namespace Fla.Layers;

/// <summary>
/// The time mixing of RWKV-6: each projection sees its own mixture of a token with the one before. Peng et al., 2024, arXiv:2404.05892,
/// section 4.
/// </summary>
public sealed class RWKV6Attention : RecurrentMixer
{
    private const int Mixtures = 5;

    private readonly TokenShift time_shift;
    private readonly Sequential x_proj;
    private readonly Parameter x_bias;
    private readonly DDLerpLinear r_proj, w_proj, k_proj, v_proj, g_proj;
    private readonly Parameter bonus;
    private readonly GroupNorm g_norm;
    private readonly Linear o_proj;
    private readonly Func<Tensor, Tensor> gate;
    private readonly long heads;

    /// <summary>Makes one.</summary>
    /// <param name="mode">chunk, fused_chunk, parallel or fused_recurrent.</param>
    /// <param name="hiddenSize">The channels D of a token.</param>
    /// <param name="expandK">The channels of all heads' keys, as a multiple of D.</param>
    /// <param name="expandV">The channels of all heads' values, as a multiple of D.</param>
    /// <param name="numHeads">The number of heads.</param>
    /// <param name="gateFn">The output gate's activation.</param>
    /// <param name="projLowRankDim">The bottleneck of the mixtures' shares.</param>
    /// <param name="gateLowRankDim">The bottleneck of the decays.</param>
    /// <param name="elementwiseAffine">Whether the norm has weights.</param>
    /// <param name="normEps">What the norm adds to the variance.</param>
    /// <param name="layerIdx">The layer's index in its model, needed with a cache.</param>
    /// <exception cref="ArgumentException">Sizes do not fit, or a name is unknown.</exception>
    public RWKV6Attention(
        string mode = "chunk",
        long hiddenSize = 1024,
        double expandK = 0.5,
        double expandV = 1,
        long numHeads = 4,
        string gateFn = "swish",
        long projLowRankDim = 32,
        long gateLowRankDim = 64,
        bool elementwiseAffine = true,
        double normEps = 1e-5,
        int? layerIdx = null)
        : base(nameof(RWKV6Attention), hiddenSize, mode, Ops.Rwkv6.Op, layerIdx)
    {
        heads = numHeads;
        var sizes = HeadSizes.Of(hiddenSize, expandK, expandV, numHeads);
        gate = Activations.Get(gateFn);

        time_shift = new();
        x_proj = nn.Sequential(
            new LerpLinear(hiddenSize, projLowRankDim * Mixtures),
            nn.Tanh(),
            Projection.Full(projLowRankDim * Mixtures, hiddenSize));
        x_bias = new Parameter(zeros(Mixtures, hiddenSize));
        r_proj = new(hiddenSize, sizes.Keys);
        w_proj = new(hiddenSize, sizes.Keys, gateLowRankDim);
        k_proj = new(hiddenSize, sizes.Keys);
        v_proj = new(hiddenSize, sizes.Values);
        g_proj = new(hiddenSize, sizes.Values);
        bonus = new Parameter(zeros(heads, sizes.KeyDim));
        g_norm = new(heads, sizes.Values, elementwiseAffine, bias: true, normEps);
        o_proj = Projection.Full(sizes.Outputs, hiddenSize);
        RegisterComponents();
    }

    private protected override Tensor Mix(Tensor x, MixerCall call)
    {
        var delta = call.Shift(time_shift, x);
        var shares = Shares(x, delta);
        var r = r_proj.forward(x, shares[0], delta);
        var w = w_proj.forward(x, shares[1], delta);
        var k = k_proj.forward(x, shares[2], delta);
        var v = v_proj.forward(x, shares[3], delta);
        var g = g_proj.forward(x, shares[4], delta);

        var decay = Precision.Widen(w).exp().neg();
        var o = call.Recur(
            Ops.Rwkv6.Op, [Heads(r, heads), Heads(k, heads), Heads(v, heads), Heads(decay, heads), bonus], scale: 1);
        return o_proj.forward(g_norm.forward(o.flatten(-2)) * gate(g));
    }

    // The mixtures' shares, [B, T, D] each: a low-rank map of the token with a bottleneck for each, and a bias.
    private Tensor[] Shares(Tensor x, Tensor delta)
    {
        var narrow = ((LerpLinear)x_proj[0]).forward(x, delta).tanh();
        var up = ((Linear)x_proj[2]).weight!.view(x.shape[2], Mixtures, -1);
        var split = narrow.view(x.shape[0], x.shape[1], Mixtures, narrow.shape[2] / Mixtures);
        return
        [
            .. Enumerable.Range(0, Mixtures).Select(n =>
                split.select(2, n).matmul(up.select(1, n).transpose(0, 1)).Plus(x_bias[n])),
        ];
    }
}
