using Fla.Dsl.Generator.Lowering;

namespace Fla.Dsl.Generator.Emit.Gpu;

/// <summary>
/// Writes one kernel: a block walks the chunks of one sequence and head, forward or backward in time, the carried state in its registers.
/// The tokens' tensors of the next chunk arrive in shared memory while this one is computed: as many as it holds twice in a second place,
/// those used last before others, and the rest in the place of what has been used for the last time.
/// </summary>
internal sealed partial class GpuKernel
{
    private const string Single = "SingleElement", OfSequence = "sequence, head, heads";

    private readonly GpuInterface io;
    private readonly TileProgram program;
    private readonly GpuPlan plan;
    private readonly GpuBody body;
    private readonly GpuBody early;

    /// <summary>The tokens' tiles, those used last first.</summary>
    private readonly List<ProgramInput> tiles;

    /// <summary>The lines that are there when a chunk begins: those that came, and what follows from them.</summary>
    private readonly List<string> linesOfChunk;

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

    /// <summary>What is in shared memory, in order, with its sizes.</summary>
    private IEnumerable<(string Name, string Bytes)> Regions => tiles
        .Select((tile, i) => (io.Places(tile), $"Ahead.Bytes<TAhead>({i}, {BytesOf(tile)})"))
        .Concat(linesOfChunk.Count > 0 ? [("lines", $"(2 * {LinesBytes})")] : [])
        .Concat(io.KeptTiles.Select(kept => (io.Local(kept), BytesOf(kept))))
        .Concat(body.Regions);

    /// <summary>
    /// What of a chunk follows from numbers of its tokens alone: the first warp computes it while the chunk before is finished.
    /// </summary>
    private void EarlyLines(CodeWriter code, KernelFrame frame)
    {
        code.Line();
        frame.Head(
            "Numbers of a chunk's tokens, which the first warp computes before the chunk begins.",
            $"private static void {Name}Lines",
            ["SharedAddress lines", "int rows", .. io.Numbers.Select(input => $"float {io.Local(input)}")]);
        code.Line("{").Indented(() =>
        {
            PlaceLines(frame);
            foreach (var phase in early.Phases) code.Append(phase);
        }).Line("}");
    }

    /// <summary>Where the lines of a chunk are.</summary>
    private void PlaceLines(KernelFrame frame) =>
        frame.Place("lines", linesOfChunk.Select(line => (line, "Columns.Bytes<TChunk>()")));

    /// <summary>Which part of the tensors is the block's, and where in shared memory what is.</summary>
    private void Locate(CodeWriter code, KernelFrame frame)
    {
        foreach (var (tensor, element) in io.SplitTensors)
            code.Line($"{tensor} = {tensor}.From<{element}>(split * {GpuBody.Size(io.Split!)}.Value);");
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
                : $"Rows.ReadState<{Along(input.Id)}, {Single}>({io.Local(input)}, {io.Incoming(input)}, {OfSequence});");
        foreach (var (input, _) in io.CarriedTiles)
        {
            var from = $"{io.Incoming(input)}, {io.RowsOf(input)}, {OfSequence}";
            code.Line($"var {io.Local(input)} = Tile.New<{Shape(input.Id)}>();");
            code.Line(io.IsSegment
                ? $"Tile.Fill<{Shape(input.Id)}>({io.Local(input)}, 0f);"
                : $"Transfers.ReadState<{Shape(input.Id)}, {Single}>({io.Local(input)}, {from});");
        }

        foreach (var (input, _) in io.CarriedTiles.Where(carried => IsStored(carried.Input)))
            code.Line($"Tile.Store<{Shape(input.Id)}, TElement>({io.Stored(input)}, {io.Local(input)});");
        foreach (var (numbers, count) in body.Numbers) code.Line($"var {numbers} = LocalMemory.Allocate1D<float>({count});");
        foreach (var (tile, shape) in body.Tiles) code.Line($"var {tile} = Tile.New<{GpuBody.Generic(shape)}>();");
        foreach (var (output, sum) in sums)
            code.Line(io.IsLine(output.Id) ? $"Rows.Fill<{Along(output.Id)}>({sum}, 0f);" : $"var {sum} = 0f;");
        if (tiles.Count > 0) code.Line("var turn = 0;");
        foreach (var input in io.Lines) code.Line($"var {io.Arriving(input)} = Columns.New<TChunk>();");
    }

    private string BytesOf(ProgramInput input) => $"Shared<{GpuBody.Dimensions(program[input.Id].Shape)}, {io.Element(input)}>.Bytes";

    private string LineBytes(int line) => $"Columns.Bytes<{Along(line)}>()";

    private string Along(int line) => GpuBody.Size(Places.Along(program[line].Shape));

    private string Shape(int id) => GpuBody.Generic(program[id].Shape);

    /// <summary>Whether a carried tile has a copy in shared memory that products take.</summary>
    private bool IsStored(ProgramInput carried) => plan.StoredUses(carried.Id) > 0;
}
