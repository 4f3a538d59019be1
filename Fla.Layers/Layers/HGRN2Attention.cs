using Fla.Layers.Modules;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Fla.Layers;

/// <summary>
/// HGRN2: HGRN with its state expanded by outer products, whose keys are what the forget gates leave. Qin et al., 2024,
/// arXiv:2404.07904.
/// </summary>
public sealed class HGRN2Attention : RecurrentMixer
{
    private readonly Linear q_proj, f_proj, i_proj;
    private readonly ShortConvolution? q_conv1d, f_conv1d, i_conv1d;
    private readonly RMSNorm g_norm;
    private readonly Linear o_proj;
    private readonly long heads;

    /// <summary>Makes one.</summary>
    /// <param name="mode">chunk, fused_chunk, parallel or fused_recurrent.</param>
    /// <param name="hiddenSize">The channels D of a token.</param>
    /// <param name="numHeads">The number of heads; not looked at where there is an expansion.</param>
    /// <param name="expandRatio">The key channels of a head, by which each channel's state is expanded; null for D / heads.</param>
    /// <param name="useShortConv">Whether queries, gates and inputs pass a short convolution.</param>
    /// <param name="convSize">How many tokens it spans.</param>
    /// <param name="convBias">Whether it has a bias.</param>
    /// <param name="elementwiseAffine">Whether the norm has weights.</param>
    /// <param name="normEps">Is printed; the norm adds 1e-5 to the mean square, as models of this kind have been trained.</param>
    /// <param name="layerIdx">The layer's index in its model, needed with a cache.</param>
    /// <exception cref="ArgumentException">Sizes do not fit, or the mode is unknown.</exception>
    public HGRN2Attention(
        string mode = "chunk",
        long hiddenSize = 1024,
        long? numHeads = null,
        long? expandRatio = 128,
        bool useShortConv = false,
        long convSize = 4,
        bool convBias = false,
        bool elementwiseAffine = true,
        double normEps = 1e-5,
        int? layerIdx = null)
        : base(nameof(HGRN2Attention), hiddenSize, mode, Ops.GatedLinearAttention.Op, layerIdx)
    {
        if (expandRatio is { } given && (given < 1 || given > hiddenSize))
            throw new ArgumentException($"{nameof(expandRatio)}: expected from 1 to {hiddenSize}, came {given}.", nameof(expandRatio));
        heads = hiddenSize / expandRatio ?? numHeads ?? throw new ArgumentException(
            $"{nameof(numHeads)}: expected it or {nameof(expandRatio)}, came neither.", nameof(numHeads));
        var headDim = Require.Split(hiddenSize, heads, expandRatio is null ? nameof(numHeads) : nameof(expandRatio));

        // A ratio need not divide the channels: then there are fewer keys than values.
        var keys = heads * (expandRatio ?? headDim);
        q_proj = nn.Linear(hiddenSize, keys, hasBias: false);
        f_proj = nn.Linear(hiddenSize, keys, hasBias: false);
        i_proj = nn.Linear(hiddenSize, hiddenSize, hasBias: false);
        if (useShortConv)
        {
            q_conv1d = new(keys, convSize, convBias, activation: null);
            f_conv1d = new(keys, convSize, convBias, activation: null);
            i_conv1d = new(hiddenSize, convSize, convBias, activation: null);
        }

        g_norm = new(hiddenSize, elementwiseAffine, eps: normEps);
        o_proj = nn.Linear(hiddenSize, hiddenSize, hasBias: false);
        RegisterComponents();
    }

    /// <summary>Mixes with forget gates that are bounded from below.</summary>
    /// <param name="hiddenStates"><c>[B, T, D]</c>.</param>
    /// <param name="attentionMask"><c>[B, L]</c>, 0 for padding.</param>
    /// <param name="cache">What was remembered of earlier tokens. It is updated.</param>
    /// <param name="cuSeqlens">For packed sequences, where they begin.</param>
    /// <param name="lowerBound">The least forget gate of each channel, above 0; a first layer has none and ignores it.</param>
    /// <returns><c>[B, T, D]</c>.</returns>
    public Tensor forward(Tensor hiddenStates, Tensor? attentionMask, Cache? cache, Tensor? cuSeqlens, Tensor? lowerBound) =>
        Mixed(hiddenStates, attentionMask, cache, cuSeqlens, (x, call, _) => Mix(x, call, lowerBound));

    private protected override Tensor Mix(Tensor x, MixerCall call) => Mix(x, call, lowerBound: null);

    private Tensor Mix(Tensor x, MixerCall call, Tensor? lowerBound)
    {
        var q = nn.functional.silu(call.Convolve(q_conv1d, q_proj.forward(x)));
        var f = call.Convolve(f_conv1d, f_proj.forward(x));
        var i = call.Convolve(i_conv1d, i_proj.forward(x));
        var g = lowerBound is null || LayerIdx is not > 0 ? LogDecay.FromLogits(f) : LogDecay.FromLogits(f, lowerBound);
        var k = g.exp().Complement();
        var o = call.Recur(Ops.GatedLinearAttention.Op, [Heads(q, heads), Heads(k, heads), Heads(i, heads), Heads(g, heads)]);
        return RMSNormLinear.Apply(o.flatten(-2), g_norm, o_proj);
    }
}
