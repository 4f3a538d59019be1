using static TorchSharp.torch;

namespace Fla.Layers.Models;

/// <summary>What accompanies the hidden states of one call on their way through the blocks.</summary>
/// <param name="Mask"><c>[B, L]</c>, 0 for padding, or null.</param>
/// <param name="Cache">What was remembered of earlier tokens, or null.</param>
/// <param name="CuSeqlens">The limits of packed sequences, or null.</param>
internal sealed record Flow(Tensor? Mask, Cache? Cache, Tensor? CuSeqlens)
{
    /// <summary>The least forget gates of each layer, <c>[layers, D]</c>, where the family has them.</summary>
    public Tensor? LowerBounds { get; init; }

    /// <summary>The values of RWKV-7's first layer, once it has run.</summary>
    public Tensor? VFirst { get; set; }
}
