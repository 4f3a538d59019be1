using Fla.Layers.Modules;
using static TorchSharp.torch;

namespace Fla.Layers;

/// <summary>
/// A layer that mixes information along the sequence: what stands in the place of attention. It maps <c>[B, T, D]</c> to
/// <c>[B, T, D]</c>, and its output at a token depends on that token and those before it only.
/// </summary>
public abstract class TokenMixer : nn.Module<Tensor, Tensor>, IPrintedAsTree
{
    /// <param name="name">The name it is printed with.</param>
    /// <param name="layerIdx">Its index in the model, under which it finds its state in a cache.</param>
    protected TokenMixer(string name, int? layerIdx)
        : base(name) => LayerIdx = layerIdx;

    /// <summary>The layer's index in its model; null for one that stands alone and uses no cache.</summary>
    public int? LayerIdx { get; }

    /// <summary>Mixes sequences that begin with their first token.</summary>
    /// <param name="hiddenStates"><c>[B, T, D]</c></param>
    /// <returns><c>[B, T, D]</c></returns>
    public sealed override Tensor forward(Tensor hiddenStates) => forward(hiddenStates, null);

    /// <summary>Mixes sequences that may be padded, go on from a cache, or are packed into one.</summary>
    /// <param name="hiddenStates"><c>[B, T, D]</c></param>
    /// <param name="attentionMask"><c>[B, L]</c>, 1 for a token and 0 for padding, over all tokens so far: T without a cache.</param>
    /// <param name="cache">What was remembered of earlier tokens. It is updated.</param>
    /// <param name="cuSeqlens">The N + 1 limits of sequences that are packed into one; B is 1 then.</param>
    /// <returns><c>[B, T, D]</c></returns>
    /// <exception cref="ArgumentException">A shape does not fit, or there is a cache and the layer has no index.</exception>
    public abstract Tensor forward(Tensor hiddenStates, Tensor? attentionMask, Cache? cache = null, Tensor? cuSeqlens = null);

    /// <summary>The tree of its submodules, as PyTorch prints it.</summary>
    public override string ToString() => ModuleTree.Text(this);

    /// <summary>What this layer has stored in a cache; null if there is no cache or it is this layer's first call.</summary>
    /// <exception cref="ArgumentException">There is a cache and the layer has no index.</exception>
    protected LayerState? Past(Cache? cache) => cache?[IndexIn(cache)];

    /// <summary>The layer's index, for <see cref="Cache.Update"/>.</summary>
    /// <exception cref="ArgumentException">The layer has no index.</exception>
    protected int IndexIn(Cache cache) =>
        LayerIdx ?? throw new ArgumentException($"expected {GetName()} to have a layerIdx where a cache is used, came none", nameof(cache));
}
