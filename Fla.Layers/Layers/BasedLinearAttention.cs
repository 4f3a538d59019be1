using Fla.Layers.Modules;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Fla.Layers;

/// <summary>
/// Based: linear attention whose kernel is the exponential's series of second order, over few channels. Arora et al., 2024,
/// arXiv:2402.18668, section 4.
/// </summary>
public sealed class BasedLinearAttention : RecurrentMixer
{
    private readonly Linear q_proj, k_proj, v_proj, o_proj;
    private readonly Identity dropout;
    private readonly TaylorFeatureMap feature_map;
    private readonly long heads, valueHeads;
    private readonly double? scale;

    /// <summary>Makes one.</summary>
    /// <param name="hiddenSize">The channels D of a token.</param>
    /// <param name="featureDim">The channels of a head's query and key.</param>
    /// <param name="numKeyValueHeads">The number of heads of values, of D / heads channels, each shared by neighbouring heads.</param>
    /// <param name="numHeads">The number of heads of queries and keys.</param>
    /// <param name="mode">chunk, fused_chunk, parallel or fused_recurrent.</param>
    /// <param name="scale">
    /// What products of queries and keys are scaled by; null for one over the root of <paramref name="featureDim"/>, as the feature map
    /// has it. flash-linear-attention has 1 in its parallel mode.
    /// </param>
    /// <param name="layerIdx">The layer's index in its model, needed with a cache.</param>
    /// <exception cref="ArgumentException">Sizes do not fit, or the mode is unknown.</exception>
    public BasedLinearAttention(
        long hiddenSize,
        long featureDim = 16,
        long numKeyValueHeads = 12,
        long numHeads = 12,
        string mode = "parallel",
        double? scale = null,
        int? layerIdx = null)
        : base(nameof(BasedLinearAttention), hiddenSize, mode, Ops.Based.Op, layerIdx)
    {
        (heads, valueHeads, this.scale) = (numHeads, numKeyValueHeads, scale);
        var valueDim = Require.Split(hiddenSize, valueHeads, nameof(numKeyValueHeads));
        Require.Split(heads, valueHeads, nameof(numKeyValueHeads));

        q_proj = nn.Linear(hiddenSize, featureDim * heads, hasBias: false);
        k_proj = nn.Linear(hiddenSize, featureDim * heads, hasBias: false);
        v_proj = nn.Linear(hiddenSize, valueHeads * valueDim, hasBias: false);
        o_proj = nn.Linear(heads * valueDim, hiddenSize, hasBias: false);
        dropout = nn.Identity();
        feature_map = new(featureDim);
        RegisterComponents();
    }

    // The feature map is printed; the op has it in closed form.
    private protected override Tensor Mix(Tensor x, MixerCall call)
    {
        var (q, k) = (Heads(q_proj.forward(x), heads), Heads(k_proj.forward(x), heads));
        var o = call.Recur(Ops.Based.Op, [q, k, Heads(v_proj.forward(x), valueHeads)], scale);
        return dropout.forward(o_proj.forward(o.flatten(-2)));
    }
}
