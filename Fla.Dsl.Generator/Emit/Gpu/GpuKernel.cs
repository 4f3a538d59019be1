using Fla.Dsl.Generator.Lowering;
using Fla.Dsl.Generator.Model;

namespace Fla.Dsl.Generator.Emit.Gpu;

/// <summary>
/// Writes one kernel: a block walks the chunks of one sequence and head, forward or backward in time, the carried state in its registers.
/// The tokens' tensors of the next chunk arrive in shared memory while this one is computed: as many as it holds twice in a second place,
/// those used last before others, and the rest in the place of what has been used for the last time.
/// </summary>
internal sealed class GpuKernel
{
    private const string Single = "SingleElement";

    private readonly GpuInterface io;
    private readonly TileProgram program;
    private readonly GpuPlan plan;
    private readonly GpuBody body;
    private readonly GpuBody early;

    /// <summary>The tokens' tiles, those used last first.</summary>
    private readonly List<ProgramInput> tiles;

    /// <summary>The lines that are there when a chunk begins: those that came, and what follows from them.</summary>
    private readonly List<string> linesOfChunk;

    /// <summary>Tiles through whose places results are written, with the phases in which that is.</summary>
    private readonly HashSet<(ProgramInput Tile, int Phase)> spares = [];

    /// <summary>Results per head, with the sums over the chunks that they are.</summary>
    private readonly List<(ProgramOutput Output, string Sum)> sums = [];

    public GpuKernel(GpuInterface io, CodeWriter code)
    {
        (this.io, program, plan) = (io, io.Kernel.Program, io.Plan);
        (body, early) = (new GpuBody(io, () => code.Inner(2)), new GpuBody(io, () => code.Inner(1)));
        foreach (var input in io.Tiles) body.GiveShared(input.Id, io.Local(input), io.Element(input));
        foreach (var of in new[] { body, early })
        {
            foreach (var input in io.Lines) of.GiveLine(input.Id, io.Local(input));
            foreach (var input in io.Numbers) of.GiveNumber(input.Id, io.Local(input));
        }

        var computed = early.ComputeEarly();
        foreach (var (id, line) in computed) body.GiveLine(id, line);
        linesOfChunk = io.Lines.Select(io.Local).Union(computed.Select(line => line.Name)).ToList();
        foreach (var input in io.KeptTiles) body.GiveShared(input.Id, io.Local(input), "TElement");
        foreach (var (input, _) in io.CarriedTiles)
        {
            body.GiveRegisters(input.Id, io.Local(input));
            if (!IsStored(input)) continue;
            body.Take(io.Stored(input), $"Shared<{GpuBody.Dimensions(program[input.Id].Shape)}, TElement>.Bytes");
            body.GiveShared(input.Id, io.Stored(input), "TElement");
        }

        foreach (var input in io.StandingLines)
        {
            body.Take(io.Local(input), LineBytes(input.Id));
            body.GiveLine(input.Id, io.Local(input));
        }

        var writes = Results();
        tiles = io.Tiles.OrderByDescending(tile => body.LastUse(io.Local(tile))).ToList();
        foreach (var (output, phase, at) in writes) WriteTile(output, phase, at);
    }

    private string Name => io.Kernel.Name;

    private string LinesBytes => $"{linesOfChunk.Count} * Columns.Bytes<TChunk>()";

    public void Write(CodeWriter code)
    {
        var frame = new KernelFrame(io, code);
        frame.Bytes("Shared memory of a block.", Name, Regions.Select(region => region.Bytes));
        if (linesOfChunk.Count > 0) EarlyLines(code, frame);
        frame.Write(() =>
        {
            Locate(code, frame);
            Begin(code);
            frame.Walk(() => Fetch(code), () => Chunk(code, frame));
            End(code);
        });
    }

    /// <summary>Computes the results, tiles first. Gives where tiles are to be written.</summary>
    private List<(ProgramOutput Output, int Phase, CodeWriter At)> Results()
    {
        var writes = new List<(ProgramOutput, int, CodeWriter)>();
        var take = program.Outputs.Where(output => plan.PlaceOf(output.Id) == Place.Tile).GroupBy(output => output.Id).ToDictionary<IGrouping<int, ProgramOutput>, int, Action<CodeWriter>>(same => same.Key, same => code =>
        {
            body.RegistersOf(same.Key);
            foreach (var output in same) writes.Add((output, body.Phases.Count - 1, code.Later()));
        });
        body.Compute(take);
        foreach (var output in program.Outputs.Where(output => io.IsLine(output.Id) && program[output.Id].Shape.Rows == Dim.Time))
        {
            var line = body.LineOf(output.Id);
            body.ByFirstWarp(code => code.Line($"Columns.Write<TBlock, TChunk, {Single}>({io.Row(output, Single)}, {io.Tensor(output)}.Stride<{Single}>(), rows, {line});"), [], []);
        }

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
            var line = body.LineOf(output.Id);
            body.ByFirstWarp(code => GpuBody.ForEach(code, Places.Along(program[output.Id].Shape), sum, $"Columns.Get({sum}, at) + Columns.Get({line}, at)"), [], [sum]);
            sums.Add((output, sum));
        }

        foreach (var (input, next) in io.CarriedLines)
        {
            var line = body.LineOf(next.Id);
            body.ByFirstWarp(code => GpuBody.ForEach(code, Places.Along(program[next.Id].Shape), io.Local(input), $"Columns.Get({line}, at)"), [], [io.Local(input)]);
        }

        body.FinishLines();
        foreach (var (input, next) in io.CarriedTiles)
        {
            var registers = body.RegistersOf(next.Id);
            body.Do([], IsStored(input) ? [io.Stored(input)] : [], code =>
            {
                code.Line($"for (var i = 0; i < Layout<{Shape(input.Id)}>.Count; i++) {io.Local(input)}[i] = {registers}[i];");
                if (IsStored(input)) code.Line($"Tile.Store<{Shape(input.Id)}, TElement>({io.Stored(input)}, {io.Local(input)});");
            });
        }

        return writes;
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

        code.Line($"Transfers.Write<{Shape(output.Id)}, {element}>({io.Row(output, element)}, {tensor}.Stride<{element}>(), rows, {tensor}.Columns, {body.RegistersOf(output.Id)}{spare});");
    }

    /// <summary>What is in shared memory, in order, with its sizes.</summary>
    private IEnumerable<(string Name, string Bytes)> Regions => tiles.Select((tile, i) => (io.Places(tile), $"Ahead.Bytes<TAhead>({i}, {BytesOf(tile)})"))
        .Concat(linesOfChunk.Count > 0 ? [("lines", $"(2 * {LinesBytes})")] : [])
        .Concat(io.KeptTiles.Select(kept => (io.Local(kept), BytesOf(kept))))
        .Concat(body.Regions);

    /// <summary>What of a chunk follows from numbers of its tokens alone: the first warp computes it while the chunk before is finished.</summary>
    private void EarlyLines(CodeWriter code, KernelFrame frame)
    {
        code.Line();
        var numbers = io.Numbers.Select(input => $"float {io.Local(input)}");
        frame.Head("Numbers of a chunk's tokens, which the first warp computes before the chunk begins.", $"private static void {Name}Lines", ["SharedAddress lines", "int rows", .. numbers]);
        code.Line("{").Indented(() =>
        {
            PlaceLines(frame);
            foreach (var phase in early.Phases) code.Append(phase);
        }).Line("}");
    }

    /// <summary>Where the lines of a chunk are.</summary>
    private void PlaceLines(KernelFrame frame) => frame.Place("lines", linesOfChunk.Select(line => (line, "Columns.Bytes<TChunk>()")));

    /// <summary>Which part of the tensors is the block's, and where in shared memory what is.</summary>
    private void Locate(CodeWriter code, KernelFrame frame)
    {
        foreach (var (tensor, element) in io.SplitTensors) code.Line($"{tensor} = {tensor}.From<{element}>(split * {GpuBody.Size(io.Split!)}.Value);");
        foreach (var tensor in io.TensorsOfFirst) code.Line($"{tensor} = {tensor}.If(split == 0);");
        code.Line("var shared = new SharedAddress(SharedMemory.GetDynamic<byte>(), 0);");
        if (linesOfChunk.Count > 0) code.Line($"var linesBytes = {LinesBytes};");
        frame.Place("shared", Regions);
    }

    /// <summary>What there is before the first chunk.</summary>
    private void Begin(CodeWriter code)
    {
        foreach (var input in io.PerHead)
        {
            var row = $"{io.Tensor(input)}.Row<{Single}>(0, head, heads)";
            code.Line(io.IsLine(input)
                ? $"Rows.Read<{Along(input.Id)}, {Single}>({io.Local(input)}, {row}, {io.Tensor(input)}.Columns);"
                : $"var {io.Local(input)} = {Single}.Read({row});");
        }

        foreach (var (input, _) in io.CarriedLines)
            code.Line(io.IsSegment
                ? $"Rows.Fill<{Along(input.Id)}>({io.Local(input)}, 0f);"
                : $"Rows.ReadState<{Along(input.Id)}, {Single}>({io.Local(input)}, {io.Incoming(input)}, sequence, head, heads);");
        foreach (var (input, _) in io.CarriedTiles)
        {
            code.Line($"var {io.Local(input)} = Tile.New<{Shape(input.Id)}>();");
            code.Line(io.IsSegment
                ? $"Tile.Fill<{Shape(input.Id)}>({io.Local(input)}, 0f);"
                : $"Transfers.ReadState<{Shape(input.Id)}, {Single}>({io.Local(input)}, {io.Incoming(input)}, {io.RowsOf(input)}, sequence, head, heads);");
        }

        foreach (var (input, _) in io.CarriedTiles.Where(carried => IsStored(carried.Input)))
            code.Line($"Tile.Store<{Shape(input.Id)}, TElement>({io.Stored(input)}, {io.Local(input)});");
        foreach (var (numbers, count) in body.Numbers) code.Line($"var {numbers} = LocalMemory.Allocate1D<float>({count});");
        foreach (var (tile, shape) in body.Tiles) code.Line($"var {tile} = Tile.New<{GpuBody.Generic(shape)}>();");
        foreach (var (output, sum) in sums) code.Line(io.IsLine(output.Id) ? $"Rows.Fill<{Along(output.Id)}>({sum}, 0f);" : $"var {sum} = 0f;");
        if (tiles.Count > 0) code.Line("var turn = 0;");
        foreach (var input in io.Lines) code.Line($"var {io.Arriving(input)} = Columns.New<TChunk>();");
    }

    /// <summary>Begins to fetch what the first chunk takes.</summary>
    private void Fetch(CodeWriter code)
    {
        foreach (var tile in tiles) code.Line(Copy(tile, io.Places(tile), "start"));
        foreach (var kept in io.KeptTiles) code.Line(CopyKept(kept, "start"));
        foreach (var input in io.Lines) Fetch(code, input, "start");
        Puts(code, "start");
        code.Line("Transfers.Depart<TBlock>();");
    }

    private void Chunk(CodeWriter code, KernelFrame frame)
    {
        foreach (var input in io.Lines) Fetch(code, input, "next");
        foreach (var (tile, i) in tiles.Select((tile, i) => (tile, i)))
        {
            code.Line($"if (Ahead.Has<TAhead>({i})) {Copy(tile, $"{io.Places(tile)} + Ahead.Offset<TAhead>({i}, 1 - turn, {BytesOf(tile)})", "next")}");
            code.Line($"var {io.Local(tile)} = {io.Places(tile)} + Ahead.Offset<TAhead>({i}, turn, {BytesOf(tile)});");
        }

        code.Line("Transfers.Depart<TBlock>();");
        PlaceLines(frame);
        foreach (var kept in io.KeptLines)
            code.Line($"Rows.ReadState<{Along(kept.Id)}, {Single}>({io.Local(kept)}, {io.Tensor(kept)}, firstRow + (start / TChunk.Value), head, heads);");
        if (io.KeptLines.Any()) code.Line(GpuBody.Barrier);
        if (io.KeepsStates) Keep(code);
        Phases(code);
        if (tiles.Count > 0) code.Line("turn = 1 - turn;");
        if (linesOfChunk.Count > 0) code.Line("lines = lines + linesBytes;").Line("linesBytes = -linesBytes;");
        Puts(code, "next");
    }

    /// <summary>Keeps the states that are carried into the chunk, for the walk backward.</summary>
    private void Keep(CodeWriter code)
    {
        foreach (var (input, _) in io.CarriedLines)
            code.Line($"Rows.WriteState<TBlock, {Along(input.Id)}, {Single}>({io.KeptTensor(input.Name)}, firstRow + (start / TChunk.Value), head, heads, {io.Local(input)});");
        foreach (var (input, _) in io.CarriedTiles)
        {
            var (method, from) = IsStored(input) ? ("WriteSharedState", io.Stored(input)) : ("WriteState", io.Local(input));
            code.Line($"Transfers.{method}<{Shape(input.Id)}, TElement>({io.KeptTensor(input.Name)}, {io.RowsOf(input)}, firstRow + (start / TChunk.Value), head, heads, {from});");
        }
    }

    /// <summary>What happens in a chunk; after the last read of a tile that has one place only, and the barrier that follows, its next one is fetched.</summary>
    private void Phases(CodeWriter code)
    {
        var waiting = io.KeptTiles.Select(kept => (Name: io.Local(kept), Copy: CopyKept(kept, "next")))
            .Concat(tiles.Select((tile, i) => (Name: io.Local(tile), Copy: $"if (!Ahead.Has<TAhead>({i})) {Copy(tile, io.Places(tile), "next")}"))).ToList();
        for (var phase = 0; phase < body.Phases.Count; phase++)
        {
            if (phase > 0)
            {
                code.Line(GpuBody.Barrier);
                Refill(tile => body.LastUse(tile) < phase);
            }

            code.Append(body.Phases[phase]);
        }

        if (waiting.Count == 0) return;
        var always = waiting.Any(tile => io.KeptTiles.Any(kept => io.Local(kept) == tile.Name));
        code.Line(always ? GpuBody.Barrier : $"if (!Ahead.Has<TAhead>({tiles.Count - 1})) {GpuBody.Barrier}");
        Refill(_ => true);

        void Refill(Predicate<string> isUsed)
        {
            var used = waiting.Where(tile => isUsed(tile.Name)).ToList();
            if (used.Count == 0) return;
            code.Lines(used.Select(tile => tile.Copy)).Line("Transfers.Depart<TBlock>();");
            waiting.RemoveAll(used.Contains);
        }
    }

    /// <summary>What is left after the last chunk: the states carried out, and the results per head.</summary>
    private void End(CodeWriter code)
    {
        if (io.CarriedLines.Any() || sums.Any(sum => io.IsLine(sum.Output.Id))) code.Line(GpuBody.Barrier);
        foreach (var (input, _) in io.CarriedLines)
            code.Line($"Rows.WriteState<TBlock, {Along(input.Id)}, {Single}>({io.Outgoing(input)}, sequence, {io.HeadOf(input.Id)}, {io.Local(input)});");
        foreach (var (input, _) in io.CarriedTiles)
            code.Line($"Transfers.WriteState<{Shape(input.Id)}, {Single}>({io.Outgoing(input)}, {io.RowsOf(input)}, sequence, {io.HeadOf(input.Id)}, {io.Local(input)});");
        foreach (var (output, sum) in sums)
        {
            var tensor = io.Tensor(output);
            code.Line(io.IsLine(output.Id)
                ? $"Rows.WriteState<TBlock, {Along(output.Id)}, {Single}>({tensor}, sequence, (split * heads) + head, splits * heads, {sum});"
                : $"Memory.WriteIf<TBlock, {Single}>(Group.IdxX == 0 & {tensor}.Address != 0, {tensor}.Row<{Single}>(sequence, (split * heads) + head, splits * heads), {sum});");
        }
    }

    /// <summary>Begins to fetch a tile of a chunk's tokens to shared memory.</summary>
    private string Copy(ProgramInput tile, string to, string start) =>
        $"Transfers.CopyTokens<{Shape(tile.Id)}, {io.Element(tile)}>({to}, {io.Tensor(tile)}, first, {start}, tokens, head, heads);";

    /// <summary>Begins to fetch the state that was carried into a chunk to shared memory.</summary>
    private string CopyKept(ProgramInput state, string start) =>
        $"Transfers.CopyState<{Shape(state.Id)}, TElement>({io.Local(state)}, {io.Tensor(state)}, {io.RowsOf(state)}, firstRow + ({start} / TChunk.Value), head, heads, {start} >= 0);";

    /// <summary>Begins to fetch numbers of a chunk's tokens to registers of the first warp.</summary>
    private void Fetch(CodeWriter code, ProgramInput input, string start) =>
        code.Line($"Columns.Read<TChunk, {Single}>({io.Arriving(input)}, {io.Tensor(input)}.Row<{Single}>(first + {start}, head, heads), {io.Tensor(input)}.Stride<{Single}>(), Memory.RowsAt<TChunk>({start}, tokens));");

    /// <summary>Puts numbers of tokens that have been fetched where the chunk that they are for looks for them, and what follows from them.</summary>
    private void Puts(CodeWriter code, string start)
    {
        foreach (var (input, place) in io.Lines.Select((input, place) => (input, place))) code.Line($"Columns.Put<TChunk>(lines + ({place} * Columns.Bytes<TChunk>()), {io.Arriving(input)});");
        if (linesOfChunk.Count > io.Lines.Count())
            code.Line($"{Name}Lines<{io.Generics}>(lines, Memory.RowsAt<TChunk>({start}, tokens){string.Concat(io.Numbers.Select(input => $", {io.Local(input)}"))});");
    }

    private string BytesOf(ProgramInput input) => $"Shared<{GpuBody.Dimensions(program[input.Id].Shape)}, {io.Element(input)}>.Bytes";

    private string LineBytes(int line) => $"Columns.Bytes<{Along(line)}>()";

    private string Along(int line) => GpuBody.Size(Places.Along(program[line].Shape));

    private string Shape(int id) => GpuBody.Generic(program[id].Shape);

    /// <summary>Whether a carried tile has a copy in shared memory that products take.</summary>
    private bool IsStored(ProgramInput carried) => plan.StoredUses(carried.Id) > 0;
}
