namespace Fla.Dsl.Runtime.Cuda.Ptx;

/// <summary>Which blocks every way from the entry to a block leads through.</summary>
internal sealed class Dominance
{
    private readonly Dictionary<int, int> parents = [];
    private readonly Dictionary<int, int> depths = [];

    public Dominance(IReadOnlyList<Block> order)
    {
        var positions = order.Select((block, at) => (block.Id, at)).ToDictionary(pair => pair.Id, pair => pair.at);
        List<int>[] before = [.. order.Select(_ => new List<int>())];
        for (int i = 0; i < order.Count; i++)
            foreach (int next in order[i].Successors) before[positions[next]].Add(i);

        int[] nearest = [.. Enumerable.Repeat(-1, order.Count)];
        nearest[0] = 0;
        for (bool changed = true; changed;)
        {
            changed = false;
            for (int i = 1; i < order.Count; i++)
            {
                int common = -1;
                foreach (int from in before[i])
                    if (nearest[from] >= 0) common = common < 0 ? from : Common(nearest, common, from);
                if (nearest[i] == common) continue;
                nearest[i] = common;
                changed = true;
            }
        }
        depths[order[0].Id] = 0;
        for (int i = 1; i < order.Count; i++)
        {
            parents[order[i].Id] = order[nearest[i]].Id;
            depths[order[i].Id] = depths[order[nearest[i]].Id] + 1;
        }
    }

    /// <summary>Whether every way to a block leads through another, or it is that.</summary>
    public bool Dominates(int block, int other)
    {
        while (depths[other] > depths[block]) other = parents[other];
        return other == block;
    }

    private static int Common(int[] nearest, int a, int b)
    {
        while (a != b)
        {
            if (a > b) a = nearest[a];
            else b = nearest[b];
        }
        return a;
    }
}
