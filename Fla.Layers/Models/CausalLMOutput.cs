using static TorchSharp.torch;

namespace Fla.Layers.Models;

/// <summary>What a model gives for a batch of sequences.</summary>
/// <param name="Logits"><c>[B, T, V]</c>; null where the loss was computed without them.</param>
/// <param name="Loss">The mean cross entropy of the next tokens in nats; null where no labels were given.</param>
/// <param name="HiddenStates">The input of each layer and the normalised output, each <c>[B, T, D]</c>, where asked for.</param>
public sealed record CausalLMOutput(Tensor? Logits, Tensor? Loss, IReadOnlyList<Tensor>? HiddenStates) : IDisposable
{
    /// <summary>Frees the tensors.</summary>
    public void Dispose()
    {
        Logits?.Dispose();
        Loss?.Dispose();
        foreach (var hidden in HiddenStates ?? []) hidden.Dispose();
    }
}
