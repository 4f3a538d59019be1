using Fla.Dsl.Generator.Lowering;
using Fla.Dsl.Generator.Model;

namespace Fla.Dsl.Generator.Emit.Gpu.Channels;

/// <summary>
/// Writes what a thread does with a token of its channel. It has a number of each value, or an array of them along a dimension that is not
/// the channels'. What is used once is written where it is used, and loops along one dimension are one as long as no sum ends between.
/// </summary>
internal sealed class ChannelBody
{
    private readonly TileProgram program;
    private readonly string channel;
    private readonly Names names;
    private readonly HashSet<int> results;
    private readonly List<int> needed;
    private readonly Dictionary<int, string> texts = [];
    private readonly Dictionary<int, string> reads = [];
    private readonly Dictionary<int, Func<string, string>> loads = [];
    private readonly List<(string Name, string Dimension)> arrays = [];
    private readonly List<string> loop = [];
    private readonly HashSet<int> sums = [];
    private string along = Dim.One;

    /// <param name="program">What a token's program is.</param>
    /// <param name="channel">The channels' dimension.</param>
    /// <param name="names">The names that are taken.</param>
    /// <param name="results">What of it is wanted.</param>
    public ChannelBody(TileProgram program, string channel, Names names, IEnumerable<int> results)
    {
        (this.program, this.channel, this.names) = (program, channel, names);
        this.results = new HashSet<int>(results);
        needed = program.Ancestors(this.results).Where(id => program[id].Op != TileOp.Constant).OrderBy(id => id).ToList();
    }

    /// <summary>Says what a value that is there is called: a number, or that at <c>n</c> of an array.</summary>
    public void Give(int id, string text) => texts.Add(id, text);

    /// <summary>Says how a value is read, likewise.</summary>
    public void Read(int id, string text) => reads.Add(id, text);

    /// <summary>Says how a value is read to an array at once.</summary>
    public void Load(int id, Func<string, string> load) => loads.Add(id, load);

    /// <summary>The arrays that it uses, with their dimensions.</summary>
    public IReadOnlyList<(string Name, string Dimension)> Arrays => arrays;

    /// <summary>A value as C#, after what computes it: a number, or that at <c>n</c> of an array.</summary>
    public string this[int id] => program[id].Op == TileOp.Constant ? GpuText.Number(program[id].Number) : texts[id];

    /// <summary>The array of a value, after what computes it.</summary>
    public string Array(int id) => texts[id].Replace("[n]", string.Empty);

    public void Write(CodeWriter code)
    {
        foreach (var id in needed.Where(id => !texts.ContainsKey(id) && !IsWithin(id)).ToList())
        {
            if (IsRepeated(id))
            {
                texts.Add(id, this[program[id].Operands[0]]);
                continue;
            }

            var name = names.Fresh(program[id].Name.Length > 0 ? program[id].Name : "t");
            if (loads.TryGetValue(id, out var load))
            {
                arrays.Add((name, Extent(id)));
                code.Line(load(name));
                texts.Add(id, $"{name}[n]");
                continue;
            }

            var inLoop = LoopOf(id);
            if (inLoop != along && inLoop != Dim.One || Sums(id).Any()) EndLoop(code);
            if (inLoop == Dim.One)
            {
                code.Line($"var {name} = {Text(id, top: true)};");
                texts.Add(id, name);
                continue;
            }

            along = inLoop;
            if (inLoop == Extent(id))
            {
                arrays.Add((name, inLoop));
                loop.Add($"{name}[n] = {Text(id, top: true)};");
                texts.Add(id, $"{name}[n]");
            }
            else
            {
                code.Line($"var {name} = 0f;");
                loop.Add($"{name} += {Text(id, top: true)};");
                texts.Add(id, name);
                sums.Add(id);
            }
        }

        EndLoop(code);
    }

    /// <summary>Writes something for a number, or for each of an array along a dimension.</summary>
    public static void ForEach(CodeWriter code, string dimension, IReadOnlyList<string> lines)
    {
        if (dimension == Dim.One) code.Lines(lines);
        else if (lines.Count == 1) code.Line($"for (var n = 0; n < T{dimension}.Value; n++) {lines[0]}");
        else code.Block($"for (var n = 0; n < T{dimension}.Value; n++)", () => code.Lines(lines));
    }

    private void EndLoop(CodeWriter code)
    {
        if (loop.Count > 0) ForEach(code, along, loop);
        loop.Clear();
        sums.Clear();
        along = Dim.One;
    }

    /// <summary>The sums that a value is computed from and whose loop has not ended.</summary>
    private IEnumerable<int> Sums(int id) =>
        program[id].Operands.SelectMany(operand => sums.Contains(operand) ? [operand] : IsWithin(operand) ? Sums(operand) : []);

    /// <summary>Whether a value is another one, perhaps at every place of an array.</summary>
    private bool IsRepeated(int id) => program[id].Op is TileOp.Broadcast or TileOp.Transpose && texts.ContainsKey(program[id].Operands[0]);

    private bool IsWithin(int id)
    {
        if (texts.ContainsKey(id) || results.Contains(id) || loads.ContainsKey(id)) return false;
        if (!needed.Contains(id) || Summed(id) != Dim.One) return false;
        var users = needed.SelectMany(user => program[user].Operands.Where(operand => operand == id).Select(_ => user)).ToList();
        return users.Count == 1 && LoopOf(users[0]) == Extent(id);
    }

    private string Text(int id, bool top = false)
    {
        if (program[id].Op == TileOp.Constant || texts.ContainsKey(id)) return this[id];
        if (reads.TryGetValue(id, out var read)) return read;
        var tile = program[id];
        return tile.Op switch
        {
            TileOp.MatMul => GpuText.Elementwise(TileOp.Multiply, operand => Text(tile.Operands[operand]), top),
            TileOp.SumRows or TileOp.SumColumns => Text(tile.Operands[0], top),
            _ => GpuText.Elementwise(tile.Op, operand => Text(tile.Operands[operand]), top),
        };
    }

    /// <summary>The dimension of the loop in which a value is computed; 1 where in none.</summary>
    private string LoopOf(int id) => Summed(id) is var summed && summed != Dim.One && summed != channel ? summed : Extent(id);

    private string Extent(int id) => ChannelPrograms.Extent(program[id].Shape, channel);

    private string Summed(int id) => ChannelPrograms.Summed(program, id);
}
