using Fla.Layers.Modules;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Fla.Layers;

/// <summary>
/// Softmax attention with rotary embedding: <c>o_t = sum_{s &lt;= t} softmax_s(q_t . k_s / sqrt(d)) v_s</c>. Vaswani et al., 2017,
/// arXiv:1706.03762, equation 1; groups of query heads may share one head of keys and values (Ainslie et al., 2023, arXiv:2305.13245),
/// and a token may see a window only (Beltagy et al., 2020, arXiv:2004.05150).
/// </summary>
public sealed class Attention : TokenMixer
{
    private readonly Linear q_proj;
    private readonly Linear k_proj;
    private readonly Linear v_proj;
    private readonly Linear o_proj;
    private readonly Modules.RMSNorm? q_norm;
    private readonly Modules.RMSNorm? k_norm;
    private readonly RotaryEmbedding rotary;
    private readonly int numHeads;
    private readonly int numKvHeads;
    private readonly int headDim;
    private readonly int? windowSize;

    /// <param name="hiddenSize">D</param>
    /// <param name="numHeads">The number of heads of queries, which divides D.</param>
    /// <param name="numKvHeads">The number of heads of keys and values, which divides that of queries; the same where it is null.</param>
    /// <param name="qkvBias">Whether the projections to queries, keys and values have a bias.</param>
    /// <param name="qkNorm">Whether queries and keys are normalised by head (Henry et al., 2020, arXiv:2010.04245).</param>
    /// <param name="windowSize">How many tokens a token sees, itself included; all before it where it is null.</param>
    /// <param name="ropeTheta">The base of the rotary embedding.</param>
    /// <param name="maxPositionEmbeddings">The longest sequence the layer was made for. Longer ones are computed all the same.</param>
    /// <param name="layerIdx">The layer's index in its model.</param>
    /// <exception cref="ArgumentException">A size is not positive, or does not divide another.</exception>
    public Attention(
        int hiddenSize = 2048, int numHeads = 32, int? numKvHeads = null, bool qkvBias = false, bool qkNorm = false,
        int? windowSize = null, double ropeTheta = 10000, int? maxPositionEmbeddings = null, int? layerIdx = null)
        : base(nameof(Attention), layerIdx)
    {
        if (numHeads < 1 || hiddenSize % numHeads != 0)
            throw new ArgumentException($"expected num_heads that divide hidden_size {hiddenSize}, came {numHeads}", nameof(numHeads));
        this.numHeads = numHeads;
        this.numKvHeads = numKvHeads ?? numHeads;
        if (this.numKvHeads < 1 || numHeads % this.numKvHeads != 0)
            throw new ArgumentException($"expected num_kv_heads that divide num_heads {numHeads}, came {numKvHeads}", nameof(numKvHeads));
        if (windowSize < 1) throw new ArgumentException($"expected a window of at least one token, came {windowSize}", nameof(windowSize));
        if (maxPositionEmbeddings < 1)
            throw new ArgumentException($"expected at least one position, came {maxPositionEmbeddings}", nameof(maxPositionEmbeddings));
        this.windowSize = windowSize;
        headDim = hiddenSize / numHeads;

        var kvDim = this.numKvHeads * headDim;
        register_module(nameof(q_proj), q_proj = nn.Linear(hiddenSize, hiddenSize, qkvBias));
        register_module(nameof(k_proj), k_proj = nn.Linear(hiddenSize, kvDim, qkvBias));
        register_module(nameof(v_proj), v_proj = nn.Linear(hiddenSize, kvDim, qkvBias));
        register_module(nameof(o_proj), o_proj = nn.Linear(hiddenSize, hiddenSize, hasBias: false));
        if (qkNorm)
        {
            register_module(nameof(q_norm), q_norm = new Modules.RMSNorm(headDim));
            register_module(nameof(k_norm), k_norm = new Modules.RMSNorm(headDim));
        }

        register_module(nameof(rotary), rotary = new RotaryEmbedding(headDim, ropeTheta));
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor hiddenStates, Tensor? attentionMask, Cache? cache = null, Tensor? cuSeqlens = null)
    {
        using var scope = NewDisposeScope();
        var seen = cache is null ? 0 : cache.GetSeqLength(IndexIn(cache));
        var sequence = AttentionSpan.Of(hiddenStates, attentionMask, cache, cuSeqlens, seen);
        var q = Heads(q_proj, numHeads);
        var k = Heads(k_proj, numKvHeads);
        if (q_norm is not null) q = q_norm.forward(q);
        if (k_norm is not null) k = k_norm.forward(k);
        (q, k) = rotary.forward(q, k, sequence.Positions);
        var keys = k.flatten(2);
        var values = v_proj.forward(hiddenStates);
        if (cache is not null)
        {
            if (Past(cache)?.AttnState is var (earlierKeys, earlierValues))
                (keys, values) = (cat([earlierKeys, keys], 1), cat([earlierValues, values], 1));
            cache.Update(IndexIn(cache), attnState: (keys.alias(), values.alias()), offset: hiddenStates.shape[1], windowSize: windowSize);
        }

        var mixed = sequence.Attend(q.transpose(1, 2), Spread(keys), Spread(values), windowSize);
        return o_proj.forward(mixed.transpose(1, 2).flatten(2)).MoveToOuterDisposeScope();

        Tensor Heads(Linear projection, int heads) => projection.forward(hiddenStates).unflatten(2, [heads, headDim]);
    }

    // [B, L, D] to [B, H, L, d]: each head of keys and values stands for its group of query heads.
    private Tensor Spread(Tensor x)
    {
        var heads = x.unflatten(2, [numKvHeads, headDim]).transpose(1, 2);
        return numKvHeads == numHeads ? heads : heads.repeat_interleave(numHeads / numKvHeads, 1);
    }
}
