using Fla.Dsl.Generator.Lowering;

namespace Fla.Dsl.Generator.Emit.Gpu;

/// <summary>
/// Lines are the first warp's: its lanes have the same indices of each, so that what it does with them one after the other needs no
/// barrier. They are collected until somebody else needs one of them.
/// </summary>
internal sealed partial class GpuBody
{
    private readonly List<Action<CodeWriter>> waiting = [];
    private readonly HashSet<string> waitingReads = [];
    private readonly HashSet<string> waitingWrites = [];
    private readonly List<string> left = [];

    /// <summary>Lets the first warp do something with lines.</summary>
    /// <param name="write">Writes what it does.</param>
    /// <param name="reads">What others wrote that it reads.</param>
    /// <param name="writes">What it writes.</param>
    public void ByFirstWarp(Action<CodeWriter> write, IEnumerable<string> reads, IEnumerable<string> writes)
    {
        waiting.Add(write);
        waitingReads.UnionWith(reads);
        waitingWrites.UnionWith(writes);
    }

    /// <summary>Writes for each index of a line that the thread has what it becomes.</summary>
    public static void ForEach(CodeWriter code, string dimension, string name, string text)
    {
        var size = Size(dimension);
        code.Block($"for (var i = 0; i < {size}.Value / 32; i++)", () =>
        {
            code.Line($"var at = Columns.Token<{size}>(i);");
            code.Line($"Columns.Set({name}, at, {text});");
        });
    }

    /// <summary>A line's index as terms have it.</summary>
    public GpuTerm LineTerm(int id) => Term(id, "at", "at", top: true);

    /// <summary>Lets the first warp do what it has to, if something reads what comes of it.</summary>
    private void FinishLines(IEnumerable<string> reads)
    {
        if (reads.Any(waitingWrites.Contains)) FinishLines();
    }

    public void FinishLines()
    {
        if (waiting.Count == 0) return;
        Touch(waitingReads, waitingWrites);
        Code.Block("if (Columns.IsMine)", () =>
        {
            foreach (var write in waiting)
            {
                var inner = Code.Inner(0);
                write(inner);
                Code.Append(inner);
            }
        });
        waiting.Clear();
        waitingReads.Clear();
        waitingWrites.Clear();
        foreach (var region in left) regions.Leave(region);
        left.Clear();
    }

    private void Line(int id)
    {
        var tile = program[id];
        if (tile.Op == TileOp.Transpose && lines.TryGetValue(tile.Operands[0], out var same))
        {
            lines.Add(id, same);
            return;
        }

        var along = Places.Along(tile.Shape);
        var name = Fresh(id);
        regions.Take(name, $"Columns.Bytes<{Size(along)}>()", Code);
        if (tile.Op == TileOp.CumulativeSum)
        {
            if (!lines.ContainsKey(tile.Operands[0])) Line(tile.Operands[0]);
            var from = lines[tile.Operands[0]];
            ByFirstWarp(code => code.Line($"Columns.CumulativeSum<TBlock, {Size(along)}>({name}, {from}, {GpuText.Flag(tile.Reverse)}, {GpuText.Flag(tile.Exclusive)});"), [], [name]);
        }
        else if (tile.Op is TileOp.SumRows or TileOp.SumColumns)
        {
            var (zones, text) = Sum(tile);
            ByFirstWarp(code => ForEach(code, along, name, text), [zones], [name]);
            left.Add(zones);
        }
        else
        {
            var term = LineTerm(id);
            ByFirstWarp(code => ForEach(code, along, name, term.Text), term.Reads.Except(lines.Values), [name]);
        }

        lines.Add(id, name);
    }

    /// <summary>The block's sums over rows or columns of a tile: parts of them in zones, and the first warp's sum of the parts.</summary>
    private (string Zones, string Text) Sum(Instruction sum)
    {
        var of = Generic(program[sum.Operands[0]].Shape);
        var (across, part) = sum.Op == TileOp.SumColumns ? ("Column", "Columns") : ("Row", "Rows");
        var zones = Zones(sum.Operands[0], $"Sum{part}", $"{across}Bytes<{of}>");
        return (zones, $"Reductions.{across}Of<{of}>({zones}, at)");
    }

    /// <summary>The sum of all of a tile: a part of each warp, which whoever needs it adds up.</summary>
    private void Total(int id) =>
        totals.Add(id, Zones(program[program[id].Operands[0]].Operands[0], nameof(Total), "TotalBytes<TBlock>"));

    private string Zones(int summed, string method, string bytes)
    {
        var tile = RegistersOf(summed);
        var zones = names.Fresh($"zonesOf{tile.TrimStart('@')}");
        regions.Take(zones, $"Reductions.{bytes}()", Code);
        Touch([], [zones]);
        Code.Line($"Reductions.{method}<{Generic(program[summed].Shape)}>({zones}, {tile});");
        return zones;
    }
}
