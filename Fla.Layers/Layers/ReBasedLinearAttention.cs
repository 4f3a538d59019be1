using Fla.Layers.Modules;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Fla.Layers;

/// <summary>ReBased: linear attention with a learned quadratic kernel. Aksenov et al., 2024, arXiv:2402.10644.</summary>
public sealed class ReBasedLinearAttention : RecurrentMixer
{
    // What the op adds to the sum of all weights.
    private const double OpEpsilon = 1e-6;

    private readonly RebasedFeatureMap feature_map;
    private readonly Linear q_proj, k_proj, v_proj, o_proj;
    private readonly long heads, valueHeads;
    private readonly double scale;

    /// <summary>Makes one.</summary>
    /// <param name="hiddenSize">The channels D of a token.</param>
    /// <param name="featureDim">The channels of a head's query and key.</param>
    /// <param name="numKeyValueHeads">The number of heads of values, of D / heads channels, each shared by neighbouring heads.</param>
    /// <param name="numHeads">The number of heads of queries and keys.</param>
    /// <param name="useGamma">Whether queries and keys have a scale for each channel.</param>
    /// <param name="useBeta">Whether they have a shift for each channel.</param>
    /// <param name="normalize">Whether mean and variance are taken out of them first.</param>
    /// <param name="eps">What is added to the sum of all weights: above 0.</param>
    /// <param name="mode">chunk, fused_chunk, parallel or fused_recurrent.</param>
    /// <param name="layerIdx">The layer's index in its model, needed with a cache.</param>
    /// <exception cref="ArgumentException">Sizes do not fit, or the mode is unknown.</exception>
    public ReBasedLinearAttention(
        long hiddenSize,
        long featureDim = 16,
        long numKeyValueHeads = 16,
        long numHeads = 16,
        bool useGamma = true,
        bool useBeta = true,
        bool normalize = true,
        double eps = 1e-5,
        string mode = "parallel",
        int? layerIdx = null)
        : base(nameof(ReBasedLinearAttention), hiddenSize, mode, Ops.Rebased.Op, layerIdx)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(eps);
        (heads, valueHeads) = (numHeads, numKeyValueHeads);
        var valueDim = Require.Split(hiddenSize, valueHeads, nameof(numKeyValueHeads));
        Require.Split(heads, valueHeads, nameof(numKeyValueHeads));

        // Weights are squares of scaled products over their sum: all of them and the epsilon may be scaled alike.
        scale = Math.Sqrt(OpEpsilon / eps / featureDim);
        feature_map = new(featureDim, useGamma, useBeta, normalize);
        q_proj = nn.Linear(hiddenSize, featureDim * heads, hasBias: false);
        k_proj = nn.Linear(hiddenSize, featureDim * heads, hasBias: false);
        v_proj = nn.Linear(hiddenSize, valueHeads * valueDim, hasBias: false);
        o_proj = nn.Linear(heads * valueDim, hiddenSize, hasBias: false);
        RegisterComponents();
    }

    private protected override Tensor Mix(Tensor x, MixerCall call)
    {
        var q = feature_map.Normalized(Heads(q_proj.forward(x), heads));
        var k = feature_map.Normalized(Heads(k_proj.forward(x), heads));
        var o = call.Recur(Ops.Rebased.Op, [q, k, Heads(v_proj.forward(x), valueHeads)], scale);
        return o_proj.forward(o.flatten(-2));
    }
}
