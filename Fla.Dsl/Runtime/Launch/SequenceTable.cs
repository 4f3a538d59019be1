using static TorchSharp.torch;

namespace Fla.Dsl.Runtime.Launch;

/// <summary>
/// What kernels read of the sequences, on their device: for each its first token and its first row among the kept states, and one pair
/// more. The last tables are kept, since a copy to a GPU waits for all that runs there, and the layers of a model have one table.
/// </summary>
internal static class SequenceTable
{
    private const int Most = 32;

    private static readonly Lock Gate = new();
    private static readonly LinkedList<(string Device, long[] Pairs, Tensor Table)> Kept = new();

    /// <summary>The table of a workload's sequences, <c>int64 [N + 1, 2]</c>. It is not the caller's to dispose.</summary>
    public static Tensor Of(Workload work, int chunk, Device device)
    {
        var rows = work.Rows(chunk);
        long[] pairs = [.. work.Offsets.SelectMany((offset, n) => new[] { offset, rows[n] })];
        var name = device.ToString();
        lock (Gate)
        {
            for (var node = Kept.First; node is not null; node = node.Next)
                if (node.Value.Device == name && node.Value.Pairs.AsSpan().SequenceEqual(pairs))
                {
                    Kept.Remove(node);
                    Kept.AddFirst(node);
                    return node.Value.Table;
                }

            if (Kept.Count == Most)
            {
                Kept.Last!.Value.Table.Dispose();
                Kept.RemoveLast();
            }

            var table = tensor(pairs, device: device).view(-1, 2).DetachFromDisposeScope();
            Kept.AddFirst((name, pairs, table));
            return table;
        }
    }
}
