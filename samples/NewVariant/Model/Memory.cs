using static TorchSharp.torch;

namespace NewVariant.Model;

/// <summary>
/// What remembers in a <see cref="TokenMixer"/>: an operator, and the gates it takes. The variant and the baseline differ in this
/// alone. Queries and keys are <c>[B, T, H, K]</c>, values and outputs <c>[B, T, H, V]</c>; gates are computed from x <c>[B, T, D]</c>.
/// </summary>
internal abstract class Memory(string name) : nn.Module(name)
{
    /// <summary>Whole sequences, from an empty state.</summary>
    public abstract Tensor Chunk(Tensor x, Tensor q, Tensor k, Tensor v);

    /// <summary>One more token: as <see cref="Chunk"/> without the T axis, from the state <c>[B, H, K, V]</c> to the next.</summary>
    public abstract (Tensor Output, Tensor State) Step(Tensor x, Tensor q, Tensor k, Tensor v, Tensor? state);
}
