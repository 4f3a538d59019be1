using Fla.Layers.Modules;
using TorchSharp.Modules;
using static TorchSharp.torch;
using GroupNorm = Fla.Layers.Modules.GroupNorm;

namespace Fla.Layers;

/// <summary>
/// The time mixing of RWKV-7: a delta rule with vector decays and in-context learning rates, whose values lean on those of the first
/// layer. Peng et al., 2025, arXiv:2503.14456, section 4.
/// </summary>
public sealed partial class RWKV7Attention : RecurrentMixer
{
    // -e^{-1/2}: decays are at least e^{-0.6065}, equation 12 of the paper.
    private const double LeastLogDecay = -0.6065306597126334;

    private readonly TokenShift time_shift;
    private readonly Parameter x_r, x_w, x_k, x_v, x_a, x_g, k_k, k_a, r_k;
    private readonly Linear r_proj, k_proj, v_proj, o_proj;
    private readonly LoRA w_lora;
    private readonly LoRA? v_lora;
    private readonly LoRA a_lora, g_lora;
    private readonly GroupNorm g_norm;
    private readonly long heads;
    private readonly bool fuseNorm;

    /// <summary>Makes one.</summary>
    /// <param name="mode">chunk, fused_chunk, parallel or fused_recurrent.</param>
    /// <param name="hiddenSize">The channels D of a token.</param>
    /// <param name="headDim">The channels of a head; null for D / heads.</param>
    /// <param name="numHeads">The number of heads; not looked at where the channels of a head are given.</param>
    /// <param name="decayLowRankDim">The bottleneck of the decays; null for a size that goes with D, as for the next three.</param>
    /// <param name="gateLowRankDim">The bottleneck of the output gate.</param>
    /// <param name="aLowRankDim">The bottleneck of the learning rates.</param>
    /// <param name="vLowRankDim">The bottleneck of the share of the first layer's values.</param>
    /// <param name="elementwiseAffine">Whether the norm has weights.</param>
    /// <param name="normEps">What the norm adds to the variance, times the channels of a head.</param>
    /// <param name="layerIdx">The layer's index in its model, needed with a cache; others lean on the first layer's values.</param>
    /// <param name="fuseNorm">Whether keys are normalised with an epsilon under the root, 1e-6, instead of a least length, 1e-12.</param>
    /// <param name="valueDim">The channels of all heads' values; null for D.</param>
    /// <param name="numHiddenLayers">The number of layers of the model, on which the first parameters depend; null for one.</param>
    /// <exception cref="ArgumentException">Sizes do not fit, or the mode is unknown.</exception>
    public RWKV7Attention(
        string mode = "chunk",
        long hiddenSize = 1024,
        long? headDim = 64,
        long? numHeads = null,
        long? decayLowRankDim = null,
        long? gateLowRankDim = null,
        long? aLowRankDim = null,
        long? vLowRankDim = null,
        bool elementwiseAffine = true,
        double normEps = 1e-5,
        int? layerIdx = null,
        bool fuseNorm = false,
        long? valueDim = null,
        int? numHiddenLayers = null)
        : base(nameof(RWKV7Attention), hiddenSize, mode, Ops.DplrDeltaRule.Op, layerIdx)
    {
        heads = headDim is { } given
            ? Require.Split(hiddenSize, given, nameof(headDim))
            : numHeads ?? throw new ArgumentException(
                $"{nameof(headDim)}: expected it or {nameof(numHeads)}, came neither.", nameof(headDim));
        var (keyDim, values) = (Require.Split(hiddenSize, heads, nameof(numHeads)), valueDim ?? hiddenSize);
        Require.Split(values, heads, nameof(valueDim));
        if (keyDim < 2)
            throw new ArgumentException($"{nameof(headDim)}: expected at least 2 channels, came {keyDim}.", nameof(headDim));
        this.fuseNorm = fuseNorm;

        time_shift = new();
        (x_r, x_w, x_k, x_v, x_a, x_g) =
            (Shares(hiddenSize), Shares(hiddenSize), Shares(hiddenSize), Shares(hiddenSize), Shares(hiddenSize), Shares(hiddenSize));
        (k_k, k_a, r_k) = (new(zeros(hiddenSize)), new(zeros(hiddenSize)), new(zeros(heads, keyDim)));
        r_proj = nn.Linear(hiddenSize, hiddenSize, hasBias: false);
        k_proj = nn.Linear(hiddenSize, hiddenSize, hasBias: false);
        v_proj = nn.Linear(hiddenSize, values, hasBias: false);
        o_proj = nn.Linear(values, hiddenSize, hasBias: false);

        var factor = keyDim / 64.0;
        w_lora = new(hiddenSize, hiddenSize, decayLowRankDim ?? Rank(2.5 * factor, hiddenSize));
        if (layerIdx is not (null or 0))
            v_lora = new(hiddenSize, values, vLowRankDim ?? Rank(1.7 * factor, hiddenSize), activation: null);
        a_lora = new(hiddenSize, hiddenSize, aLowRankDim ?? Rank(2.5 * factor, hiddenSize), activation: null);
        g_lora = new(hiddenSize, values, gateLowRankDim ?? Rank(5, hiddenSize), bias: false, activation: "sigmoid");
        g_norm = new(heads, values, elementwiseAffine, bias: true, keyDim * normEps) { Fused = fuseNorm };
        RegisterComponents();
        Initialise(layerIdx ?? 0, numHiddenLayers ?? 1);
    }

    /// <summary>Mixes in a model, whose layers after the first lean on its values.</summary>
    /// <param name="hiddenStates"><c>[B, T, D]</c>.</param>
    /// <param name="attentionMask"><c>[B, L]</c>, 0 for padding.</param>
    /// <param name="cache">What was remembered of earlier tokens. It is updated.</param>
    /// <param name="cuSeqlens">For packed sequences, where they begin.</param>
    /// <param name="vFirst">The first layer's values, <c>[B, T, values]</c>; not looked at by the first layer.</param>
    /// <returns><c>[B, T, D]</c>, and the first layer's values: its own, or those that came.</returns>
    /// <exception cref="ArgumentException">A shape does not fit, or a layer after the first was not given the values.</exception>
    public (Tensor Output, Tensor VFirst) forward(
        Tensor hiddenStates, Tensor? attentionMask, Cache? cache, Tensor? cuSeqlens, Tensor? vFirst)
    {
        if (v_lora is not null)
            CheckValues(vFirst, hiddenStates);

        using var scope = NewDisposeScope();
        Tensor? own = null;
        var o = Mixed(hiddenStates, attentionMask, cache, cuSeqlens, (x, call, padding) =>
        {
            var (output, v) = Mix(x, call, v_lora is null ? null : padding.Remove(vFirst!));
            own = v_lora is null ? padding.Restore(v).DetachFromDisposeScope() : null;
            return output;
        });
        own ??= vFirst?.alias() ?? hiddenStates.new_zeros([.. hiddenStates.shape[..2], v_proj.out_features]);
        scope.Attach(own);
        return scope.MoveToOuter(o, own);
    }

    /// <summary>Mixes alone; only a layer that is the first can.</summary>
    private protected override Tensor Mix(Tensor x, MixerCall call)
    {
        if (v_lora is not null)
            CheckValues(null, x);
        return Mix(x, call, null).Output;
    }

    private (Tensor Output, Tensor Values) Mix(Tensor x, MixerCall call, Tensor? vFirst)
    {
        var delta = call.Shift(time_shift, x);
        var r = Heads(r_proj.forward(Mixture(x_r)), heads);
        var w = Precision.Widen(w_lora.forward(Mixture(x_w))).sigmoid().Times(LeastLogDecay);
        var k = k_proj.forward(Mixture(x_k));
        var xv = Mixture(x_v);
        var v = v_proj.forward(xv);
        if (vFirst is not null)
            v = v.Plus(v_lora!.forward(xv).sigmoid() * (vFirst - v));
        var a = a_lora.forward(Mixture(x_a)).sigmoid();
        var g = g_lora.forward(Mixture(x_g));

        var kk = Heads(k * k_k, heads);
        kk = fuseNorm ? L2Norm.Normalize(kk) : nn.functional.normalize(Precision.Widen(kk), p: 2, dim: -1, eps: 1e-12).to(kk.dtype);
        k = k.Plus(k * a.Plus(-1) * k_a);
        var (keys, values) = (Heads(k, heads), Heads(v, heads));
        var o = call.Recur(
            Ops.DplrDeltaRule.Op, [r, keys, values, kk.neg(), kk * Heads(a, heads), Heads(w, heads)], scale: 1);
        var bonus = (r * keys * r_k).sum(-1, keepdim: true) * values;
        return (o_proj.forward(g_norm.forward(o.flatten(-2)).Plus(bonus.flatten(-2)) * g), v);

        Tensor Mixture(Parameter share) => x.Plus(delta * share);
    }

    private void CheckValues(Tensor? vFirst, Tensor hiddenStates)
    {
        long[] expected = [.. hiddenStates.shape[..^1], v_proj.out_features];
        if (vFirst is null || !vFirst.shape.SequenceEqual(expected))
            throw new ArgumentException(
                $"{nameof(vFirst)}: expected the first layer's values, [{string.Join(", ", expected)}], " +
                $"came {(vFirst is null ? "none" : $"[{string.Join(", ", vFirst.shape)}]")}.",
                nameof(vFirst));
    }

    private static Parameter Shares(long size) => new(zeros(1, 1, size));

    // The paper's rule for bottlenecks: with the root of the channels, in steps of 32.
    private static long Rank(double factor, long hiddenSize) =>
        Math.Max(32, (long)Math.Round(factor * Math.Sqrt(hiddenSize) / 32, MidpointRounding.ToEven) * 32);
}
