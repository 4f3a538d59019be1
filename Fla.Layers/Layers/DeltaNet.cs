using Fla.Dsl.Runtime;
using Fla.Layers.Modules;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Fla.Layers;

/// <summary>DeltaNet: the delta rule over normalised keys. Yang et al., 2024, arXiv:2406.06484, section 4.</summary>
public sealed class DeltaNet : RecurrentMixer
{
    private readonly Linear q_proj, k_proj, v_proj;
    private readonly Linear? b_proj;
    private readonly ShortConvolution? q_conv1d, k_conv1d, v_conv1d;
    private readonly Linear? g_proj;
    private readonly nn.Module o_norm;
    private readonly Linear o_proj;
    private readonly HeadNorm headNorm;
    private readonly string activation, qkNorm;
    private readonly long heads;
    private readonly bool negative;

    /// <summary>Makes one.</summary>
    /// <param name="mode">chunk, fused_chunk, parallel or fused_recurrent.</param>
    /// <param name="dModel">The channels D of a token; null for <paramref name="hiddenSize"/>.</param>
    /// <param name="hiddenSize">The channels D of a token.</param>
    /// <param name="expandK">The channels of all heads' keys, as a multiple of D.</param>
    /// <param name="expandV">The channels of all heads' values, as a multiple of D.</param>
    /// <param name="numHeads">The number of heads.</param>
    /// <param name="useBeta">Whether the share of a value that is written depends on the token; else it is 1.</param>
    /// <param name="useGate">Whether the output is gated.</param>
    /// <param name="useShortConv">Whether queries, keys and values pass a short convolution. The quality of a model depends on it.</param>
    /// <param name="convSize">How many tokens it spans.</param>
    /// <param name="convBias">Whether it has a bias.</param>
    /// <param name="allowNegEigval">Whether shares go up to 2, where the transition has an eigenvalue of -1.</param>
    /// <param name="layerIdx">The layer's index in its model, needed with a cache.</param>
    /// <param name="qkActivation">What bends queries and keys: silu, relu, elu (plus 1) or identity.</param>
    /// <param name="qkNorm">What normalises them: l2, or sum for division by their sum.</param>
    /// <param name="normEps">What the output's norm adds to the mean square.</param>
    /// <exception cref="ArgumentException">Sizes do not fit, or a name is unknown.</exception>
    public DeltaNet(
        string mode = "chunk",
        long? dModel = null,
        long hiddenSize = 1024,
        double expandK = 1,
        double expandV = 1,
        long numHeads = 4,
        bool useBeta = true,
        bool useGate = false,
        bool useShortConv = true,
        long convSize = 4,
        bool convBias = false,
        bool allowNegEigval = false,
        int? layerIdx = null,
        string qkActivation = "silu",
        string qkNorm = "l2",
        double normEps = 1e-5)
        : base(nameof(DeltaNet), dModel ?? hiddenSize, mode, Ops.DeltaRule.Op, layerIdx)
    {
        activation = Require.OneOf(qkActivation, nameof(qkActivation), "silu", "relu", "elu", "identity");
        this.qkNorm = Require.OneOf(qkNorm, nameof(qkNorm), "l2", "sum");
        (heads, negative) = (numHeads, allowNegEigval);
        var size = dModel ?? hiddenSize;
        var sizes = HeadSizes.Of(size, expandK, expandV, numHeads);

        q_proj = nn.Linear(size, sizes.Keys, hasBias: false);
        k_proj = nn.Linear(size, sizes.Keys, hasBias: false);
        v_proj = nn.Linear(size, sizes.Values, hasBias: false);
        b_proj = useBeta ? nn.Linear(size, heads, hasBias: false) : null;
        if (useShortConv)
        {
            var bent = activation == "silu" ? "silu" : null;
            q_conv1d = new(sizes.Keys, convSize, convBias, bent);
            k_conv1d = new(sizes.Keys, convSize, convBias, bent);
            v_conv1d = new(sizes.Values, convSize, convBias);
        }

        g_proj = useGate ? nn.Linear(size, sizes.Values, hasBias: false) : null;
        headNorm = new(sizes.ValueDim, useGate, normEps);
        o_norm = headNorm.Module;
        o_proj = nn.Linear(sizes.Outputs, size, hasBias: false);
        RegisterComponents();
    }

    private protected override Tensor Mix(Tensor x, MixerCall call)
    {
        var q = Summed(Heads(Bent(call.Convolve(q_conv1d, q_proj.forward(x)), q_conv1d), heads));
        var k = Summed(Heads(Bent(call.Convolve(k_conv1d, k_proj.forward(x)), k_conv1d), heads));
        var v = call.ConvolveOrSilu(v_conv1d, v_proj.forward(x));
        var beta = b_proj is null
            ? full([x.shape[0], x.shape[1], heads], Scalars.Of(negative ? 2 : 1), float32, x.device)
            : WriteStrength.FromLogits(b_proj.forward(x), negative);
        var o = call.Recur(Ops.DeltaRule.Op, [q, k, Heads(v, heads), beta], l2Norm: qkNorm == "l2");
        return o_proj.forward(headNorm.Apply(o, g_proj?.forward(x)));
    }

    private Tensor Bent(Tensor x, ShortConvolution? convolution) => activation switch
    {
        "silu" => convolution is null ? nn.functional.silu(x) : x,
        "relu" => x.relu(),
        "elu" => nn.functional.elu(x, 1).Plus(1),
        _ => x,
    };

    private Tensor Summed(Tensor x) => qkNorm == "sum" ? x / x.sum(-1, keepdim: true) : x;
}
