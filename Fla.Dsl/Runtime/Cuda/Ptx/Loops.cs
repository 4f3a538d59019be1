namespace Fla.Dsl.Runtime.Cuda.Ptx;

/// <summary>A loop: what can get back to its header without leaving by it.</summary>
/// <param name="Header">The only block by which it is entered.</param>
/// <param name="Latches">The blocks that jump back to the header.</param>
/// <param name="Blocks">All of its blocks, with the header.</param>
internal sealed record Loop(int Header, IReadOnlyList<int> Latches, IReadOnlySet<int> Blocks)
{
    /// <summary>
    /// The loops of a function by their headers. A way back into the middle of something, which can also be entered elsewhere, makes a
    /// loop with the function's entry among its blocks.
    /// </summary>
    public static IReadOnlyDictionary<int, Loop> Of(ControlFlow flow)
    {
        var order = flow.ReversePostorder();
        var position = order.Select((block, at) => (block.Id, at)).ToDictionary(pair => pair.Id, pair => pair.at);
        var predecessors = flow.Predecessors();
        Dictionary<int, Loop> loops = [];
        var back = from block in order from next in block.Successors where position[next] <= position[block.Id] select (next, block.Id);
        foreach (var header in back.GroupBy(edge => edge.next, edge => edge.Id))
        {
            HashSet<int> blocks = [header.Key];
            var open = new Stack<int>(header);
            while (open.TryPop(out int block))
                if (blocks.Add(block))
                    foreach (int before in predecessors[block])
                        if (position.ContainsKey(before)) open.Push(before);
            loops[header.Key] = new Loop(header.Key, [.. header], blocks);
        }
        return loops;
    }

    /// <summary>
    /// Whether, inside one turn of the loop, every way from its header to <paramref name="target"/> leads through
    /// <paramref name="through"/>.
    /// </summary>
    public bool AlwaysPasses(ControlFlow flow, int through, int target)
    {
        if (through == target || through == Header) return true;
        if (target == Header) return false;
        HashSet<int> seen = [Header];
        var open = new Stack<int>([Header]);
        while (open.TryPop(out int block))
            foreach (int next in flow[block].Successors)
            {
                if (next == target) return false;
                if (next != through && next != Header && Blocks.Contains(next) && seen.Add(next)) open.Push(next);
            }
        return true;
    }
}
