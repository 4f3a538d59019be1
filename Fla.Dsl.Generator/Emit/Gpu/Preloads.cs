namespace Fla.Dsl.Generator.Emit.Gpu;

/// <summary>
/// What a loop over a thread's elements of a tile reads of shared memory, in registers before it begins: of lines, the numbers of its
/// rows or columns; of tiles, its elements, two at once where they lie beside one another.
/// </summary>
/// <param name="sizes">The tile's sizes as C#.</param>
/// <param name="names">Names of the kernel.</param>
internal sealed class Preloads(string sizes, Names names)
{
    private readonly Dictionary<(string From, string Part), string> known = [];
    private readonly List<(string Name, string Count)> all = [];
    private readonly List<string> reads = [];

    /// <summary>Their names, and how many numbers they are as C#.</summary>
    public IReadOnlyList<(string Name, string Count)> All => all;

    /// <summary>What reads them.</summary>
    public IReadOnlyList<string> Reads => reads;

    /// <summary>The i-th element's number of a line of its rows or columns.</summary>
    public string OfLine(string line, bool isOfRows)
    {
        var (part, index) = isOfRows ? ("Rows", "RowOf") : ("Columns", "ColumnOf");
        return $"{Own(line, part, part, $"Columns.Of{part}<{sizes}>")}[Layout<{sizes}>.{index}(i)]";
    }

    /// <summary>The i-th element of a tile.</summary>
    public string OfTile(string tile, string element) => $"{Own(tile, "Thread", "Count", $"Tile.Load<{sizes}, {element}>")}[i]";

    private string Own(string from, string of, string count, string method)
    {
        if (known.TryGetValue((from, of), out var own)) return own;
        own = names.Fresh($"{from.TrimStart('@')}Of{of}");
        known.Add((from, of), own);
        all.Add((own, $"Layout<{sizes}>.{count}"));
        reads.Add($"{method}({own}, {from});");
        return own;
    }
}
