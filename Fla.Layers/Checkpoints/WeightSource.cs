namespace Fla.Layers.Checkpoints;

/// <summary>Where a parameter comes from: a tensor of the checkpoint, or some of its rows.</summary>
/// <param name="Tensor">The tensor's name in the checkpoint.</param>
/// <param name="Shape">The shape of what is taken.</param>
/// <param name="FirstRow">The first of the rows that are taken, or null for the whole tensor.</param>
internal sealed record WeightSource(string Tensor, IReadOnlyList<long> Shape, long? FirstRow = null);
