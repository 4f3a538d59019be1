using System.Numerics;
using static TorchSharp.torch;

namespace Fla.Layers.Modules;

/// <summary>What the losses check of their inputs, and how they cut them.</summary>
internal static class LossInputs
{
    /// <summary>That there is a class for each row.</summary>
    /// <exception cref="ArgumentException">The shape or type is another.</exception>
    public static void CheckTarget(Tensor target, long rows)
    {
        if (target.dtype != ScalarType.Int64 || target.dim() != 1 || target.shape[0] != rows)
            throw new ArgumentException(
                $"{nameof(target)}: expected Int64 [{rows}], came {target.dtype} [{string.Join(", ", target.shape)}].", nameof(target));
    }

    /// <summary>That a map fits what it maps.</summary>
    /// <exception cref="ArgumentException">Its shape is another.</exception>
    public static void CheckWeight(Tensor weight, string name, Tensor x)
    {
        if (weight.dim() != 2 || weight.shape[1] != x.shape[^1])
            throw new ArgumentException($"{name}: expected [V, {x.shape[^1]}], came [{string.Join(", ", weight.shape)}].", name);
    }

    /// <summary>Rows in chunks of a length; the last may be shorter. No rows are one empty chunk.</summary>
    public static IEnumerable<(long First, long Count)> Chunks(long rows, long length)
    {
        var first = 0L;
        do
        {
            yield return (first, Math.Min(length, rows - first));
            first += length;
        }
        while (first < rows);
    }

    /// <summary>
    /// Rows in at most a number of chunks, so many that a chunk's logits take no more room than the tokens themselves, and a power of
    /// two long.
    /// </summary>
    public static IEnumerable<(long First, long Count)> Chunks(long rows, long classes, long channels, long most)
    {
        var chunks = Math.Min(most, (classes + channels - 1) / channels);
        var length = (long)BitOperations.RoundUpToPowerOf2((ulong)Math.Max(1, (rows + chunks - 1) / chunks));
        return Chunks(rows, length);
    }
}
