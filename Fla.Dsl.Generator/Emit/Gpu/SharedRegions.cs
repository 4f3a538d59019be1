namespace Fla.Dsl.Generator.Emit.Gpu;

/// <summary>
/// The shared memory of a block. A region that is not needed any more is given out again to what is of the same size, those first that
/// nobody has touched since the last barrier; a barrier stands where one is read that was written since it, or written that was written or
/// read.
/// </summary>
internal sealed class SharedRegions
{
    private readonly List<(string Name, string Bytes)> regions = [];
    private readonly Dictionary<string, List<string>> free = [];
    private readonly Dictionary<string, string> memoryOf = [];
    private readonly HashSet<string> written = [];
    private readonly HashSet<string> read = [];

    /// <summary>All there are, with their sizes as C#.</summary>
    public IReadOnlyList<(string Name, string Bytes)> All => regions;

    /// <summary>Memory for a value.</summary>
    /// <param name="name">A name that nothing else has.</param>
    /// <param name="bytes">Its size as C#.</param>
    /// <param name="code">Where it is written that the value takes over another's memory.</param>
    public void Take(string name, string bytes, CodeWriter code)
    {
        if (free.TryGetValue(bytes, out var left) && left.Count > 0)
        {
            var memory = left.LastOrDefault(IsUntouched) ?? left[left.Count - 1];
            left.Remove(memory);
            memoryOf.Add(name, memory);
            code.Line($"var {name} = {memory};");
            return;
        }

        memoryOf.Add(name, name);
        regions.Add((name, bytes));
    }

    /// <summary>Lets others have a value's memory.</summary>
    public void Leave(string name)
    {
        var memory = memoryOf[name];
        var bytes = regions.First(region => region.Name == memory).Bytes;
        if (!free.TryGetValue(bytes, out var left)) free.Add(bytes, left = []);
        left.Add(memory);
    }

    /// <summary>Takes note that regions are read or written next, and says whether a barrier has to come before.</summary>
    public bool NeedBarrier(IReadOnlyCollection<string> reads, IReadOnlyCollection<string> writes)
    {
        var (from, to) = (reads.Select(Memory).ToList(), writes.Select(Memory).ToList());
        var needed = from.Concat(to).Any(written.Contains) || to.Any(read.Contains);
        if (needed)
        {
            written.Clear();
            read.Clear();
        }

        read.UnionWith(from);
        written.UnionWith(to);
        return needed;
    }

    /// <summary>Whether nobody has read or written memory since the last barrier, so that it can be written without another.</summary>
    private bool IsUntouched(string memory) => !read.Contains(memory) && !written.Contains(memory);

    private string Memory(string name) => memoryOf.TryGetValue(name, out var memory) ? memory : name;
}
