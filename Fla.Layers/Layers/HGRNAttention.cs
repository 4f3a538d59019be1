using Fla.Layers.Modules;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Fla.Layers;

/// <summary>HGRN: a gated recurrence of vectors, whose forget gates are bounded from below. Qin et al., 2023, arXiv:2311.04823.</summary>
public sealed class HGRNAttention : RecurrentMixer
{
    private readonly Linear i_proj, f_proj, g_proj;
    private readonly ShortConvolution? f_conv1d, i_conv1d;
    private readonly FusedRMSNormGated g_norm;
    private readonly Linear o_proj;

    /// <summary>Makes one.</summary>
    /// <param name="mode">chunk, fused_chunk, parallel or fused_recurrent.</param>
    /// <param name="hiddenSize">The channels D of a token.</param>
    /// <param name="expandRatio">The channels of the recurrence, as a multiple of D.</param>
    /// <param name="useShortConv">Whether inputs and gates pass a short convolution.</param>
    /// <param name="convSize">How many tokens it spans.</param>
    /// <param name="convBias">Whether it has a bias.</param>
    /// <param name="elementwiseAffine">Whether the norm has weights.</param>
    /// <param name="normEps">What the norm adds to the mean square.</param>
    /// <param name="layerIdx">The layer's index in its model, needed with a cache.</param>
    /// <exception cref="ArgumentException">Sizes do not fit, or the mode is unknown.</exception>
    public HGRNAttention(
        string mode = "chunk",
        long hiddenSize = 1024,
        double expandRatio = 1,
        bool useShortConv = false,
        long convSize = 4,
        bool convBias = false,
        bool elementwiseAffine = true,
        double normEps = 1e-5,
        int? layerIdx = null)
        : base(nameof(HGRNAttention), hiddenSize, mode, Ops.Hgrn.Op, layerIdx)
    {
        var size = Require.Expanded(hiddenSize, expandRatio, nameof(expandRatio));
        i_proj = nn.Linear(hiddenSize, size, hasBias: false);
        f_proj = nn.Linear(hiddenSize, size, hasBias: false);
        g_proj = nn.Linear(hiddenSize, size, hasBias: false);
        if (useShortConv)
        {
            f_conv1d = new(size, convSize, convBias, activation: null);
            i_conv1d = new(size, convSize, convBias, activation: null);
        }

        g_norm = new(size, elementwiseAffine, normEps);
        o_proj = nn.Linear(size, hiddenSize, hasBias: false);
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
        var i = call.Convolve(i_conv1d, i_proj.forward(x));
        var f = call.Convolve(f_conv1d, f_proj.forward(x));
        var g = lowerBound is null || LayerIdx is not > 0 ? LogDecay.FromLogits(f) : LogDecay.FromLogits(f, lowerBound);
        var input = nn.functional.silu(Precision.Widen(i)) * g.exp().Complement();
        var o = call.Recur(Ops.Hgrn.Op, [input, g]).to(x.dtype);
        return o_proj.forward(g_norm.forward(o, g_proj.forward(x)));
    }
}
