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
    private static readonly LinkedList<(string Device, long[] Numbers, Tensor Tensor)> Kept = new();

    /// <summary>Numbers as an int64 tensor on a device. It is not the caller's to dispose.</summary>
    public static Tensor Of(long[] numbers, Device device)
    {
        var name = device.ToString();
        lock (Gate)
        {
            for (var node = Kept.First; node is not null; node = node.Next)
                if (node.Value.Device == name && node.Value.Numbers.AsSpan().SequenceEqual(numbers))
                {
                    Kept.Remove(node);
                    Kept.AddFirst(node);
                    return node.Value.Tensor;
                }

            if (Kept.Count == Most)
            {
                Kept.Last!.Value.Tensor.Dispose();
                Kept.RemoveLast();
            }

            var made = tensor(numbers, device: device).DetachFromDisposeScope();
            Kept.AddFirst((name, numbers, made));
            return made;
        }
    }

    /// <summary>
    /// What kernels read of a plan's sequences: for each its first token and its first row among the kept states, and one pair more.
    /// </summary>
    public static Tensor OfSequences(LaunchPlan plan, Device device)
    {
        var rows = plan.Work.Rows(plan.Chunk);
        return Of([.. plan.Work.Offsets.SelectMany((offset, n) => new[] { offset, rows[n] })], device);
    }
}
