using static TorchSharp.torch;

namespace Fla.Dsl.Runtime.Launch;

/// <summary>
/// Numbers that kernels read on their device. The last ones are kept, since a copy to a GPU waits for all that runs there, and the layers
/// of a model have the same sequences.
/// </summary>
internal static class DeviceNumbers
{
    private const int Most = 32;

    private static readonly Lock Gate = new();
    private static readonly LinkedList<(string Place, long[] Numbers, Tensor Tensor)> Kept = new();

    /// <summary>Numbers as an int64 tensor on a device, which is only to be read.</summary>
    public static Tensor Of(long[] numbers, Device device) => Of(numbers, $"{device}", () => tensor(numbers, device: device));

    /// <summary>Numbers as an fp32 tensor on a device, which is only to be read.</summary>
    public static Tensor Of(double[] numbers, Device device) => Of(
        [.. numbers.Select(BitConverter.DoubleToInt64Bits)], $"fp32 {device}", () => tensor(numbers, ScalarType.Float32, device));

    /// <summary>
    /// What kernels read of a plan's sequences: for each its first token and its first row among the kept states, and one pair more.
    /// </summary>
    public static Tensor OfSequences(LaunchPlan plan, Device device)
    {
        var rows = plan.Work.Rows(plan.Chunk);
        return Of([.. plan.Work.Offsets.SelectMany((offset, n) => new[] { offset, rows[n] })], device);
    }

    private static Tensor Of(long[] numbers, string place, Func<Tensor> make)
    {
        lock (Gate)
        {
            for (var node = Kept.First; node is not null; node = node.Next)
                if (node.Value.Place == place && node.Value.Numbers.AsSpan().SequenceEqual(numbers))
                {
                    Kept.Remove(node);
                    Kept.AddFirst(node);
                    return node.Value.Tensor.alias();
                }

            if (Kept.Count == Most)
            {
                Kept.Last!.Value.Tensor.Dispose();
                Kept.RemoveLast();
            }

            var made = make().DetachFromDisposeScope();
            Kept.AddFirst((place, numbers, made));
            return made.alias();
        }
    }
}
