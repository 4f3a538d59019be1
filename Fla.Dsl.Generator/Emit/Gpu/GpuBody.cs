using Fla.Dsl.Generator.Lowering;
using Fla.Dsl.Generator.Model;

namespace Fla.Dsl.Generator.Emit.Gpu;

/// <summary>
/// Writes what a block does in one chunk, in phases with a barrier between two: lines by its first warp, tiles by all. A value is
/// computed in the first phase that has all it needs; tiles that are results are handed on, and sums over a tile taken, as soon as the
/// tile is there, so that it does not keep registers for long.
/// </summary>
internal sealed partial class GpuBody
{
    public const string Barrier = "Group.Barrier();";

    private readonly GpuInterface io;
    private readonly GpuPlan plan;
    private readonly TileProgram program;
    private readonly Names names;
    private readonly SharedRegions regions = new();
    private readonly List<CodeWriter> phases = [];
    private readonly Func<CodeWriter> newPhase;

    // Where a value is: the name of a number, of what warps have of a number, of a line, of registers, or of a tile in shared memory.
    private readonly Dictionary<int, string> numbers = [];
    private readonly Dictionary<int, string> totals = [];
    private readonly Dictionary<int, string> lines = [];
    private readonly Dictionary<int, string> registers = [];
    private readonly Dictionary<int, SharedTile> shared = [];
    private readonly Dictionary<int, string> rests = [];
    private readonly Dictionary<int, int> storedUses = [];
    private readonly Dictionary<string, int> lastUses = [];
    private readonly List<(string Name, Shape Shape)> tiles = [];
    private readonly List<(string Name, string Count)> preloaded = [];

    /// <param name="io">What comes and what is to be written.</param>
    /// <param name="newPhase">A writer for what happens between two barriers.</param>
    public GpuBody(GpuInterface io, Func<CodeWriter> newPhase)
    {
        (this.io, plan, names, this.newPhase) = (io, io.Plan, io.Names, newPhase);
        program = plan.Program;
        phases.Add(newPhase());
    }

    /// <summary>What happens between barriers.</summary>
    public IReadOnlyList<CodeWriter> Phases => phases;

    /// <summary>The shared memory, with its sizes as C#.</summary>
    public IReadOnlyList<(string Name, string Bytes)> Regions => regions.All;

    /// <summary>Tiles in registers besides those carried.</summary>
    public IReadOnlyList<(string Name, Shape Shape)> Tiles => tiles;

    /// <summary>What is read of shared memory before it is used, with how many numbers that is as C#.</summary>
    public IReadOnlyList<(string Name, string Count)> Preloaded => preloaded;

    private CodeWriter Code => phases[phases.Count - 1];

    /// <summary>The last phase that uses a tile or line of the caller's.</summary>
    public int LastUse(string name) => lastUses.TryGetValue(name, out var phase) ? phase : 0;

    /// <summary>Says that the caller uses a tile in a phase, too.</summary>
    public void Use(string name, int phase) => lastUses[name] = Math.Max(LastUse(name), phase);

    public void GiveNumber(int id, string name) => numbers.Add(id, name);

    public void GiveLine(int id, string name) => lines.Add(id, name);

    public void GiveRegisters(int id, string name) => registers.Add(id, name);

    /// <summary>Makes a tile in shared memory known.</summary>
    /// <param name="id">The value.</param>
    /// <param name="name">Where it is.</param>
    /// <param name="element">The C# type of its elements.</param>
    public void GiveShared(int id, string name, string element) => shared.Add(id, new SharedTile(name, element));

    /// <summary>Computes all that is needed, and hands tiles that are results on as soon as they are there.</summary>
    /// <param name="take">By the result, what is done with it.</param>
    public void Compute(IReadOnlyDictionary<int, Action<CodeWriter>> take)
    {
        var order = plan.Order.ToList();
        var sums = order.Where(id => program[id].Op == TileOp.CumulativeSum && plan.PlaceOf(id) == Place.Tile).ToLookup(id => order.FindLastIndex(plan.Readers(id).Contains));
        for (var i = 0; i < order.Count; i++)
        {
            var id = order[i];
            Visit(id);
            if (registers.ContainsKey(id) && plan.StoredUses(id) > 0) Operand(id);
            if (take.TryGetValue(id, out var action)) action(Code);
            foreach (var read in sums[i].Select(sum => shared[sum].Name))
            {
                if (waitingReads.Contains(read)) FinishLines();
                regions.Leave(read);
            }
        }

        foreach (var id in take.Keys.Where(id => program[id].Op is TileOp.Input or TileOp.Constant)) take[id](Code);
    }

    /// <summary>Computes what can be there before the chunk begins. Gives the lines by their names.</summary>
    public IReadOnlyList<(int Id, string Name)> ComputeEarly()
    {
        var early = plan.Needed.Where(id => plan.IsEarlyLine(id) && !plan.IsWithin(id) && !IsKnown(id)).ToList();
        foreach (var id in early) Visit(id);
        if (early.Count > 0) FinishLines();
        return early.Select(id => (id, lines[id])).ToList();
    }

    /// <summary>Does something of the caller's.</summary>
    /// <param name="reads">What it reads of shared memory.</param>
    /// <param name="writes">What it writes.</param>
    /// <param name="write">Writes it.</param>
    public void Do(IReadOnlyCollection<string> reads, IReadOnlyCollection<string> writes, Action<CodeWriter> write)
    {
        Touch(reads, writes);
        write(Code);
    }

    /// <summary>A result in registers, also if it is what came.</summary>
    public string RegistersOf(int id)
    {
        if (!registers.ContainsKey(id)) Tile(id);
        return registers[id];
    }

    /// <summary>A line of its own, also if it is what came.</summary>
    public string LineOf(int id)
    {
        if (!lines.ContainsKey(id)) Line(id);
        FinishLines();
        return lines[id];
    }

    /// <summary>A number of its own.</summary>
    public string NumberOf(int id) => numbers.TryGetValue(id, out var name) ? name : GpuText.Number(program[id].Number);

    public static string Size(string dimension) => dimension == Dim.Time ? "TChunk" : $"T{dimension.Replace("<", "Of").Replace(">", "")}";

    public static string Dimensions(Shape shape) => $"{Size(shape.Rows)}, {Size(shape.Columns)}";

    public static string Generic(Shape shape) => $"TBlock, {Dimensions(shape)}";

    private void Visit(int id)
    {
        if (IsKnown(id)) return;
        foreach (var operand in program[id].Operands) Visit(operand);
        if (plan.IsWithin(id) || IsKnown(id)) return;
        switch (plan.PlaceOf(id))
        {
            case Place.Scalar:
                if (plan.IsTotal(id)) Total(id);
                else Number(id);
                break;
            case Place.Line:
                Line(id);
                break;
            default:
                if (program[id].Op == TileOp.CumulativeSum) RunningSums(id);
                else if (program[id].Op == TileOp.InverseUnitLower) Inverse(id);
                else if (program[id].Op == TileOp.DecayedDot) Dot(id);
                else if (program[id].Op == TileOp.Softmax) Softmax(id);
                else if (program[id].Op is TileOp.LogScan or TileOp.ScanTransposed) Scan(id);
                else Tile(id);
                break;
        }
    }

    private bool IsKnown(int id) =>
        program[id].Op == TileOp.Constant || IsValidity(id) || numbers.ContainsKey(id) || totals.ContainsKey(id)
        || lines.ContainsKey(id) || registers.ContainsKey(id) || shared.ContainsKey(id);

    private bool IsValidity(int id) => program.Inputs.Any(input => input.Id == id && input.Kind == InputKind.Validity);

    private void Number(int id)
    {
        var tile = program[id];
        var name = Fresh(id);
        if (tile.Op is TileOp.SumRows or TileOp.SumColumns)
        {
            if (!lines.ContainsKey(tile.Operands[0])) Line(tile.Operands[0]);
            FinishLines();
            var line = lines[tile.Operands[0]];
            Touch([line], []);
            Code.Line($"var {name} = Columns.Total<TBlock, {Size(Places.Along(program[tile.Operands[0]].Shape))}>({line});");
        }
        else
        {
            var term = Term(id, "0", "0", top: true);
            FinishLines(term.Reads);
            Touch(term.Reads, []);
            Code.Line($"var {name} = {term.Text};");
        }

        numbers.Add(id, name);
    }

    /// <summary>Memory for a value of the caller's.</summary>
    public void Take(string name, string bytes) => regions.Take(name, bytes, Code);

    /// <summary>Says what the next thing written reads and writes, which may begin a phase.</summary>
    private void Touch(IReadOnlyCollection<string> reads, IReadOnlyCollection<string> writes)
    {
        if (regions.NeedBarrier(reads, writes)) phases.Add(newPhase());
        foreach (var name in reads) lastUses[name] = phases.Count - 1;
    }

    private string Fresh(int id) => names.Fresh(program[id].Name.Length > 0 ? program[id].Name : plan.PlaceOf(id) switch { Place.Scalar => "n", Place.Line => "line", _ => "t" });

    /// <summary>A tile in shared memory.</summary>
    private sealed record SharedTile(string Name, string Element);
}
