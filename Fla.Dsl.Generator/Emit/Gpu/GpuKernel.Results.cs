using Fla.Dsl.Generator.Lowering;
using Fla.Dsl.Generator.Model;

namespace Fla.Dsl.Generator.Emit.Gpu;

/// <summary>What a walk gives: results of each chunk, sums of all, and what it carries from one to the next.</summary>
internal sealed partial class GpuKernel
{
    /// <summary>Tiles through whose places results are written, with the phases in which that is.</summary>
    private readonly HashSet<(ProgramInput Tile, int Phase)> spares = [];

    /// <summary>Results per head, with the sums over the chunks that they are.</summary>
    private readonly List<(ProgramOutput Output, string Sum)> sums = [];

    /// <summary>Computes the results, tiles first. Gives where tiles are to be written.</summary>
    private List<(ProgramOutput Output, int Phase, CodeWriter At)> Results()
    {
        var writes = ComputeTiles();
        WriteLines();
        AddSums();
        CarryLines();
        body.FinishLines();
        CarryTiles();
        return writes;
    }

    private List<(ProgramOutput Output, int Phase, CodeWriter At)> ComputeTiles()
    {
        var writes = new List<(ProgramOutput, int, CodeWriter)>();
        var take = new Dictionary<int, Action<CodeWriter>>();
        foreach (var same in program.Outputs.Where(output => plan.PlaceOf(output.Id) == Place.Tile).GroupBy(output => output.Id))
            take.Add(same.Key, code =>
            {
                body.RegistersOf(same.Key);
                foreach (var output in same) writes.Add((output, body.Phases.Count - 1, code.Later()));
            });
        body.Compute(take);
        return writes;
    }

    /// <summary>Writes results that are a number for each token.</summary>
    private void WriteLines()
    {
        foreach (var output in program.Outputs.Where(output => io.IsLine(output.Id) && program[output.Id].Shape.Rows == Dim.Time))
        {
            var write = $"({io.Row(output, Single)}, {io.Tensor(output)}.Stride<{Single}>(), rows, {body.LineOf(output.Id)});";
            body.ByFirstWarp(code => code.Line($"Columns.Write<TBlock, TChunk, {Single}>{write}"), [], []);
        }
    }

    /// <summary>Adds results per head to their sums.</summary>
    private void AddSums()
    {
        foreach (var output in program.Outputs.Where(output => plan.PlaceOf(output.Id) == Place.Scalar))
        {
            var sum = io.Names.Fresh($"sumOf{output.Name}");
            body.Do([], [], code => code.Line($"{sum} += {body.NumberOf(output.Id)};"));
            sums.Add((output, sum));
        }

        foreach (var output in program.Outputs.Where(output => io.IsLine(output.Id) && program[output.Id].Shape.Rows != Dim.Time))
        {
            var sum = io.Names.Fresh($"sumOf{output.Name}");
            body.Take(sum, LineBytes(output.Id));
            SetLine(output.Id, sum, $"Columns.Get({sum}, at) + Columns.Get({body.LineOf(output.Id)}, at)");
            sums.Add((output, sum));
        }
    }

    private void CarryLines()
    {
        foreach (var (input, next) in io.CarriedLines) SetLine(next.Id, io.Local(input), $"Columns.Get({body.LineOf(next.Id)}, at)");
    }

    /// <summary>Sets each number of a line that lies as that of a value does.</summary>
    private void SetLine(int like, string line, string number) =>
        body.ByFirstWarp(code => GpuBody.ForEach(code, Places.Along(program[like].Shape), line, number), [], [line]);

    private void CarryTiles()
    {
        foreach (var (input, next) in io.CarriedTiles)
        {
            var registers = body.RegistersOf(next.Id);
            body.Do([], IsStored(input) ? [io.Stored(input)] : [], code =>
            {
                code.Line($"for (var i = 0; i < Layout<{Shape(input.Id)}>.Count; i++) {io.Local(input)}[i] = {registers}[i];");
                if (IsStored(input)) code.Line($"Tile.Store<{Shape(input.Id)}, TElement>({io.Stored(input)}, {io.Local(input)});");
            });
        }
    }

    /// <summary>Writes a result, by way of the place of a tile that is not needed any more if there is one.</summary>
    private void WriteTile(ProgramOutput output, int phase, CodeWriter code)
    {
        var (tensor, element) = (io.Tensor(output), io.Element(output));
        var free = tiles.Where(tile => body.LastUse(io.Local(tile)) < phase || spares.Contains((tile, phase)));
        var spare = string.Empty;
        if (free.OrderByDescending(tile => program[tile.Id].Shape.Columns == program[output.Id].Shape.Columns).FirstOrDefault() is { } tile)
        {
            spare = $", {io.Local(tile)}, {BytesOf(tile)}";
            spares.Add((tile, phase));
            body.Use(io.Local(tile), phase);
        }

        var to = $"{io.Row(output, element)}, {tensor}.Stride<{element}>(), rows, {tensor}.Columns";
        code.Line($"Transfers.Write<{Shape(output.Id)}, {element}>({to}, {body.RegistersOf(output.Id)}{spare});");
    }

    /// <summary>What is left after the last chunk: the states carried out, and the results per head.</summary>
    private void End(CodeWriter code)
    {
        if (io.CarriedLines.Any() || sums.Any(sum => io.IsLine(sum.Output.Id))) code.Line(GpuBody.Barrier);
        foreach (var (input, _) in io.CarriedLines)
            WriteLine(input.Id, io.Outgoing(input), io.HeadOf(input.Id), io.Local(input));
        foreach (var (input, _) in io.CarriedTiles)
        {
            var to = $"{io.Outgoing(input)}, {io.RowsOf(input)}, sequence, {io.HeadOf(input.Id)}";
            code.Line($"Transfers.WriteState<{Shape(input.Id)}, {Single}>({to}, {io.Local(input)});");
        }

        foreach (var (output, sum) in sums)
        {
            const string Head = "(split * heads) + head, splits * heads";
            var tensor = io.Tensor(output);
            var to = $"{tensor}.Row<{Single}>(sequence, {Head})";
            if (io.IsLine(output.Id)) WriteLine(output.Id, tensor, Head, sum);
            else code.Line($"Memory.WriteIf<TBlock, {Single}>(Group.IdxX == 0 & {tensor}.Address != 0, {to}, {sum});");
        }

        void WriteLine(int id, string tensor, string head, string line) =>
            code.Line($"Rows.WriteState<TBlock, {Along(id)}, {Single}>({tensor}, sequence, {head}, {line});");
    }
}
