using static TorchSharp.torch;

namespace Fla.Layers;

/// <summary>What one layer remembers of the tokens it has seen. Which parts there are is the layer's business.</summary>
public sealed class LayerState
{
    /// <summary>The states of the layer's recurrence, in the op's own layout, or null.</summary>
    public IReadOnlyList<Tensor>? RecurrentState { get; private set; }

    /// <summary>The last inputs of the layer's short convolutions or token shift, or null.</summary>
    public IReadOnlyList<Tensor>? ConvState { get; private set; }

    /// <summary>The keys and values of softmax attention, each <c>[B, L, D]</c>, or null.</summary>
    public (Tensor Keys, Tensor Values)? AttnState { get; private set; }

    /// <summary>The last input of the channel mixing, <c>[B, D]</c>, or null.</summary>
    public Tensor? FfnState { get; private set; }

    /// <summary>How many tokens the layer has seen, padding included.</summary>
    public long SeenTokens { get; private set; }

    /// <summary>The bytes that are held.</summary>
    public long Bytes => Held.Sum(tensor => tensor.NumberOfElements * tensor.ElementSize);

    private IEnumerable<Tensor> Held
    {
        get
        {
            foreach (var tensor in RecurrentState ?? []) yield return tensor;
            foreach (var tensor in ConvState ?? []) yield return tensor;
            if (AttnState is var (keys, values))
            {
                yield return keys;
                yield return values;
            }

            if (FfnState is { } ffn) yield return ffn;
        }
    }

    internal void Update(
        IReadOnlyList<Tensor>? recurrentState, IReadOnlyList<Tensor>? convState, (Tensor Keys, Tensor Values)? attnState,
        Tensor? ffnState, long offset, long? windowSize)
    {
        // What a layer hands over may be what it was given, or a view of it: the old goes only when the new is owned.
        var before = Held.ToArray();
        if (recurrentState is not null) RecurrentState = [.. recurrentState.Select(Owned)];
        if (convState is not null) ConvState = [.. convState.Select(Copied)];
        if (attnState is var (keys, values)) AttnState = (Last(keys, windowSize), Last(values, windowSize));
        if (ffnState is not null) FfnState = Copied(ffnState);
        SeenTokens += offset;
        foreach (var tensor in before.Except(Held, ReferenceEqualityComparer.Instance).Cast<Tensor>()) tensor.Dispose();
    }

    internal void Clear()
    {
        foreach (var tensor in Held) tensor.Dispose();
        (RecurrentState, ConvState, AttnState, FfnState, SeenTokens) = (null, null, null, null, 0);
    }

    private static Tensor Owned(Tensor tensor) => tensor.DetachFromDisposeScope();

    // The last token of a sequence is a view that would keep the whole sequence in memory.
    private static Tensor Copied(Tensor tensor) => Owned(tensor.clone());

    private static Tensor Last(Tensor tokens, long? windowSize)
    {
        if (windowSize is not { } window || tokens.shape[1] <= window) return Owned(tokens);
        using var last = tokens.narrow(1, tokens.shape[1] - window, window);
        return Copied(last);
    }
}
