using static TorchSharp.torch;

namespace Fla.Layers;

/// <summary>
/// What the layers of a model remember of the tokens they have seen, so that the next tokens can be computed from it alone. Recurrent
/// layers keep a state of constant size; attention keeps keys and values, of the last <c>windowSize</c> tokens if it has a window.
/// A cache belongs to one batch of sequences. It owns the tensors it is given, and frees them.
/// </summary>
public sealed class Cache : IDisposable
{
    private readonly SortedDictionary<int, LayerState> layers = [];

    /// <summary>The number of layers that have stored something.</summary>
    public int Count => layers.Count;

    /// <summary>The bytes that all layers hold.</summary>
    public long Bytes => layers.Values.Sum(layer => layer.Bytes);

    /// <summary>What a layer has stored, or null before it has.</summary>
    /// <param name="layerIdx">The layer's index in its model.</param>
    public LayerState? this[int layerIdx] => layers.GetValueOrDefault(layerIdx);

    /// <summary>How many tokens a layer has seen, padding included; 0 before it has stored something.</summary>
    /// <param name="layerIdx">The layer's index in its model.</param>
    public long GetSeqLength(int layerIdx = 0) => this[layerIdx]?.SeenTokens ?? 0;

    /// <summary>
    /// Replaces what a layer has stored by what is given here; what is null stays. The cache takes the tensors over: the caller's
    /// dispose scope no longer frees them.
    /// </summary>
    /// <param name="layerIdx">The layer's index in its model.</param>
    /// <param name="recurrentState">The states of its recurrence.</param>
    /// <param name="convState">The last inputs of its short convolutions or token shift; copied, so they may be views.</param>
    /// <param name="attnState">All keys and values so far, each <c>[B, L, D]</c>.</param>
    /// <param name="ffnState">The last input of its channel mixing; copied.</param>
    /// <param name="offset">How many tokens were processed.</param>
    /// <param name="windowSize">How many of the last keys and values are kept; all where it is null.</param>
    /// <returns>What the layer has stored now.</returns>
    /// <exception cref="ArgumentException">An index, offset or window is out of range.</exception>
    public LayerState Update(
        int layerIdx, IReadOnlyList<Tensor>? recurrentState = null, IReadOnlyList<Tensor>? convState = null,
        (Tensor Keys, Tensor Values)? attnState = null, Tensor? ffnState = null, long offset = 0, long? windowSize = null)
    {
        if (layerIdx < 0) throw new ArgumentException($"expected the index of a layer, came {layerIdx}", nameof(layerIdx));
        if (offset < 0) throw new ArgumentException($"expected a number of tokens, came {offset}", nameof(offset));
        if (windowSize < 1) throw new ArgumentException($"expected a window of at least one token, came {windowSize}", nameof(windowSize));
        if (!layers.TryGetValue(layerIdx, out var layer)) layers.Add(layerIdx, layer = new LayerState());
        layer.Update(recurrentState, convState, attnState, ffnState, offset, windowSize);
        return layer;
    }

    /// <summary>Forgets everything.</summary>
    public void Reset()
    {
        foreach (var layer in layers.Values) layer.Clear();
        layers.Clear();
    }

    /// <summary>Frees what is held.</summary>
    public void Dispose() => Reset();
}
