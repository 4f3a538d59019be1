using Fla.Dsl.Generator.Lowering;

namespace Fla.Dsl.Generator.Emit.Gpu;

/// <summary>A chunk: what is fetched for the next one, when, and to where.</summary>
internal sealed partial class GpuKernel
{
    /// <summary>Begins to fetch what the first chunk takes.</summary>
    private void Fetch(CodeWriter code)
    {
        foreach (var tile in tiles) code.Line(Copy(tile, io.Places(tile), "start"));
        foreach (var kept in io.KeptTiles) code.Line(CopyKept(kept, "start"));
        foreach (var input in io.Lines) Fetch(code, input, "start");
        Puts(code, "start");
        code.Line("Transfers.Depart<TBlock>();");
    }

    /// <summary>A chunk, whose tokens have arrived.</summary>
    private void Chunk(CodeWriter code, KernelFrame frame)
    {
        foreach (var input in io.Lines) Fetch(code, input, "next");
        foreach (var (tile, i) in tiles.Select((tile, i) => (tile, i)))
        {
            string At(string turn) => $"{io.Places(tile)} + Ahead.Offset<TAhead>({i}, {turn}, {BytesOf(tile)})";
            code.Line($"if (Ahead.Has<TAhead>({i})) {Copy(tile, At("1 - turn"), "next")}").Line($"var {io.Local(tile)} = {At("turn")};");
        }

        code.Line("Transfers.Depart<TBlock>();");
        PlaceLines(frame);
        foreach (var kept in io.KeptLines)
            code.Line($"Rows.ReadState<{Along(kept.Id)}, {Single}>({io.Local(kept)}, {io.Tensor(kept)}, {KeptRow("start")});");
        if (io.KeptLines.Any()) code.Line(GpuBody.Barrier);
        if (io.KeepsStates) Keep(code);
        Phases(code);
        if (tiles.Count > 0) code.Line("turn = 1 - turn;");
        if (linesOfChunk.Count > 0) code.Line("lines = lines + linesBytes;").Line("linesBytes = -linesBytes;");
        Puts(code, "next");
    }

    /// <summary>
    /// What happens in a chunk; after the last read of a tile that has one place only, and the barrier that follows, its next one is
    /// fetched.
    /// </summary>
    private void Phases(CodeWriter code)
    {
        var waiting = io.KeptTiles.Select(kept => (Name: io.Local(kept), Copy: CopyKept(kept, "next")))
            .Concat(tiles.Select((tile, i) =>
                (Name: io.Local(tile), Copy: $"if (!Ahead.Has<TAhead>({i})) {Copy(tile, io.Places(tile), "next")}"))).ToList();
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

    /// <summary>Keeps the states that are carried into the chunk, for the walk backward.</summary>
    private void Keep(CodeWriter code)
    {
        foreach (var (input, _) in io.CarriedLines)
        {
            var to = $"{io.KeptTensor(input.Name)}, {KeptRow("start")}";
            code.Line($"Rows.WriteState<TBlock, {Along(input.Id)}, {Single}>({to}, {io.Local(input)});");
        }

        foreach (var (input, _) in io.CarriedTiles)
        {
            var (method, from) = IsStored(input) ? ("WriteSharedState", io.Stored(input)) : ("WriteState", io.Local(input));
            var to = $"{io.KeptTensor(input.Name)}, {io.RowsOf(input)}, {KeptRow("start")}";
            code.Line($"Transfers.{method}<{Shape(input.Id)}, TElement>({to}, {from});");
        }
    }

    /// <summary>Begins to fetch a tile of a chunk's tokens to shared memory.</summary>
    private string Copy(ProgramInput tile, string to, string start) =>
        $"Transfers.CopyTokens<{Shape(tile.Id)}, {io.Element(tile)}>({to}, {io.Tensor(tile)}, first, {start}, tokens, head, heads);";

    /// <summary>Begins to fetch the state that was carried into a chunk to shared memory.</summary>
    private string CopyKept(ProgramInput state, string start)
    {
        var from = $"{io.Tensor(state)}, {io.RowsOf(state)}, {KeptRow(start)}, {start} >= 0";
        return $"Transfers.CopyState<{Shape(state.Id)}, TElement>({io.Local(state)}, {from});";
    }

    /// <summary>Which of the kept states is that carried into a chunk.</summary>
    private static string KeptRow(string start) => $"firstRow + ({start} / TChunk.Value), head, heads";

    /// <summary>Begins to fetch numbers of a chunk's tokens to registers of the first warp.</summary>
    private void Fetch(CodeWriter code, ProgramInput input, string start)
    {
        var from = $"{io.Tensor(input)}.Row<{Single}>(first + {start}, head, heads), {io.Tensor(input)}.Stride<{Single}>()";
        code.Line($"Columns.Read<TChunk, {Single}>({io.Arriving(input)}, {from}, Memory.RowsAt<TChunk>({start}, tokens));");
    }

    /// <summary>
    /// Puts numbers of tokens that have been fetched where the chunk that they are for looks for them, and what follows from them.
    /// </summary>
    private void Puts(CodeWriter code, string start)
    {
        code.Lines(io.Lines.Select((input, i) => $"Columns.Put<TChunk>(lines + ({i} * Columns.Bytes<TChunk>()), {io.Arriving(input)});"));
        if (linesOfChunk.Count == io.Lines.Count()) return;
        var numbers = string.Concat(io.Numbers.Select(input => $", {io.Local(input)}"));
        code.Line($"{Name}Lines<{io.Generics}>(lines, Memory.RowsAt<TChunk>({start}, tokens){numbers});");
    }
}
