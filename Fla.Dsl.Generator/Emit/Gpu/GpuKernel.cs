using Fla.Dsl.Generator.Lowering;
using Fla.Dsl.Generator.Model;

namespace Fla.Dsl.Generator.Emit.Gpu;

/// <summary>
/// Writes one kernel: a block walks the chunks of one sequence and head, forward or backward in time, the carried state in its registers.
/// The tokens' tensors of the next chunk arrive in shared memory while this one is computed: walking forward in a second stage, walking
/// backward, where more is held, in the place of what has been used for the last time.
/// </summary>
internal sealed class GpuKernel
{
    private readonly Declaration declaration;
    private readonly TileProgram program;
    private readonly GpuPlan plan;
    private readonly GpuBody body;
    private readonly Names names = new("tokens", "head", "heads", "sequence", "split", "splits", "first", "firstRow", "rows", "start", "next", "stage", "stageBytes", "lines", "linesBytes", "offsets", "shared", "i", "at", "row", "column");
    private readonly GpuBody early;
    private readonly bool backward;
    private readonly string name;
    private readonly Dictionary<int, string> locals = [];
    private readonly Dictionary<int, string> tensorOfInput = [];
    private readonly Dictionary<string, string> tensorOfOutput = [];
    private CodeWriter? writer;

    /// <summary>The lines that are there when a chunk begins: those that came, and what follows from them.</summary>
    private IReadOnlyList<string> linesOfChunk = [];

    public GpuKernel(Declaration declaration, TileProgram program, string name, bool backward)
    {
        (this.declaration, this.program, this.name, this.backward) = (declaration, program, name, backward);
        plan = new GpuPlan(program, program.Inputs.Where(input => input.Kind == InputKind.Argument && IsGate(input.Name)).Select(input => input.Id));
        foreach (var state in program.Carried)
            foreach (var role in new[] { "initial", "final", "kept", "dInitial", "dFinal" }) names.Fresh($"{role}{StateOf(state)}");
        foreach (var input in program.Inputs)
        {
            locals.Add(input.Id, names.Fresh(input.Name));
            tensorOfInput.Add(input.Id, names.Fresh($"{input.Name}Tensor"));
        }

        foreach (var output in program.Outputs) tensorOfOutput.Add(output.Name, names.Fresh($"{output.Name}Tensor"));
        body = new GpuBody(plan, names, () => writer!.Inner(2));
        early = new GpuBody(plan, names, () => writer!.Inner(1));
    }

    /// <summary>The dimension whose parts different blocks may have: what no product sums over and all states have as their columns.</summary>
    public string? Split { get; init; }

    /// <summary>Of a kernel that begins with empty states and gives their decays, the states that carried decays are of; null of others.</summary>
    public IReadOnlyDictionary<string, string>? Decays { get; init; }

    private IEnumerable<ProgramInput> Used => program.Inputs.Where(input => plan.Needed.Contains(input.Id));

    private IEnumerable<ProgramInput> Tokens => Used.Where(input => input.Kind == InputKind.OutputGradient || input.Kind == InputKind.Argument && RoleOf(input.Name) == ParameterRole.Token);

    private IEnumerable<ProgramInput> Tiles => Tokens.Where(input => plan.PlaceOf(input.Id) == Place.Tile);

    private IEnumerable<ProgramInput> Lines => Tokens.Where(input => plan.PlaceOf(input.Id) == Place.Line);

    private IEnumerable<ProgramInput> PerHead => Used.Where(input => input.Kind == InputKind.Argument && RoleOf(input.Name) == ParameterRole.PerHead);

    private IEnumerable<ProgramInput> Scales => Used.Where(input => input.Kind == InputKind.Argument && RoleOf(input.Name) == ParameterRole.Scale);

    /// <summary>Numbers that hold for the whole sequence.</summary>
    private IEnumerable<ProgramInput> Numbers => PerHead.Concat(Scales).Where(input => plan.PlaceOf(input.Id) == Place.Scalar);

    /// <summary>The states that the forward walk kept.</summary>
    private IEnumerable<ProgramInput> Kept => Used.Where(input => input.Kind == InputKind.State);

    private IEnumerable<(ProgramInput Input, ProgramOutput Next)> Carried => program.Carried.Zip(program.Next, (input, next) => (input, next));

    private IEnumerable<(ProgramInput Input, ProgramOutput Next)> CarriedTiles => Carried.Where(carried => !IsLine(carried.Input));

    private IEnumerable<(ProgramInput Input, ProgramOutput Next)> CarriedLines => Carried.Where(carried => IsLine(carried.Input));

    private IEnumerable<ProgramInput> KeptTiles => Kept.Where(input => !IsLine(input));

    /// <summary>Lines that there are all along: vectors per head, carried vectors, and vectors kept of a chunk.</summary>
    private IEnumerable<ProgramInput> StandingLines => PerHead.Where(IsLine).Concat(program.Carried.Where(IsLine)).Concat(Kept.Where(IsLine));

    private IEnumerable<string> TypeParameters => ["TBlock", "TChunk", .. plan.Dimensions.Select(GpuBody.Size), "TElement", "TGate"];

    private IEnumerable<string> Constraints => TypeParameters.Select(type => $"where {type} : struct, {(type switch { "TElement" or "TGate" => "IElement", "TBlock" => "IBlock", _ => "ISize" })}");

    private string Generics => string.Join(", ", TypeParameters);

    private IEnumerable<(string Role, string Name, string Parameter)> Parameters
    {
        get
        {
            foreach (var input in Tokens) yield return input.Kind == InputKind.OutputGradient ? ("OutputGradient", Declared(input.Name), Tensor(input)) : ("Argument", input.Name, Tensor(input));
            foreach (var input in PerHead.Concat(Scales)) yield return ("Argument", input.Name, Tensor(input));
            foreach (var output in program.Outputs) yield return backward ? ("ArgumentGradient", Declared(output.Name), Tensor(output)) : ("Output", output.Name, Tensor(output));
            if (Decays is not null)
            {
                foreach (var name in program.Carried.Select(input => input.Name))
                    yield return (Decays.TryGetValue(name, out var of) ? "StateDecay" : "FinalState", of ?? name, $"final{name}");
                yield break;
            }

            foreach (var state in program.Carried.Select(input => backward ? Declared(input.Name) : input.Name))
            {
                if (!backward || Kept.Any(kept => kept.Name == state)) yield return ("KeptState", state, $"kept{state}");
                yield return backward ? ("FinalStateGradient", state, $"dFinal{state}") : ("InitialState", state, $"initial{state}");
                yield return backward ? ("InitialStateGradient", state, $"dInitial{state}") : ("FinalState", state, $"final{state}");
            }
        }
    }

    /// <summary>Writes how the launcher sees the kernel.</summary>
    public void WriteDescription(CodeWriter code, string property, string end)
    {
        var dimensions = string.Join(", ", plan.Dimensions.Select(dimension => $"\"{dimension}\""));
        code.Line($"{property}: new GpuKernel(typeof(GpuCode), nameof({name}), [{dimensions}], {(Split is null ? "null" : $"\"{Split}\"")},");
        code.Line("[").Indented(() =>
        {
            foreach (var (role, of, _) in Parameters) code.Line($"new(GpuRole.{role}, \"{of}\"),");
        }).Line($"]){end}");
    }

    public void Write(CodeWriter code, string summary)
    {
        // The body first: it finds what shared memory it needs.
        writer = code;
        foreach (var input in Tiles) body.GiveShared(input.Id, Local(input), Element(input));
        foreach (var of in new[] { body, early })
        {
            foreach (var input in Lines) of.GiveLine(input.Id, Local(input));
            foreach (var input in Numbers) of.GiveNumber(input.Id, Local(input));
        }

        var computed = early.ComputeEarly();
        foreach (var (id, line) in computed) body.GiveLine(id, line);
        linesOfChunk = [.. Lines.Select(input => Local(input)), .. computed.Select(line => line.Name).Distinct().Except(Lines.Select(input => Local(input)))];
        foreach (var input in KeptTiles) body.GiveShared(input.Id, Local(input), "TElement");
        foreach (var (input, _) in CarriedTiles)
        {
            body.GiveRegisters(input.Id, Local(input));
            if (!IsStored(input)) continue;
            body.Regions.Take(Stored(input), $"Shared<{GpuBody.Dimensions(program[input.Id].Shape)}, TElement>.Bytes", code);
            body.GiveShared(input.Id, Stored(input), "TElement");
        }

        foreach (var input in StandingLines)
        {
            body.Regions.Take(Local(input), LineBytes(input.Id), code);
            body.GiveLine(input.Id, Local(input));
        }

        var sums = Results();

        Memory(code);
        if (linesOfChunk.Count > 0) EarlyLines(code);
        code.Line().Line($"/// <summary>{summary}</summary>");
        var parameters = Parameters.Select(parameter => Scales.Any(scale => scale.Name == parameter.Name) ? $"float {Local(Scales.First(scale => scale.Name == parameter.Name))}" : $"GpuTensor {parameter.Parameter}");
        code.Line($"public static void {name}<{Generics}>({string.Join(", ", parameters)}, long offsets, int heads, int splits)");
        code.Indented(() => code.Lines(Constraints));
        code.Line("{").Indented(() =>
        {
            Begin(code);
            foreach (var input in PerHead.Where(input => !IsLine(input))) code.Line($"var {Local(input)} = SingleElement.Read({Tensor(input)}.Row<SingleElement>(0, head, heads));");
            foreach (var input in PerHead.Where(IsLine)) code.Line($"Rows.Read<{Along(input.Id)}, SingleElement>({Local(input)}, {Tensor(input)}.Row<SingleElement>(0, head, heads), {Tensor(input)}.Columns);");
            foreach (var (input, _) in CarriedLines)
                code.Line(Decays is not null
                    ? $"Rows.Fill<{Along(input.Id)}>({Local(input)}, 0f);"
                    : $"Rows.ReadState<{Along(input.Id)}, SingleElement>({Local(input)}, {(backward ? "dFinal" : "initial")}{StateOf(input)}, sequence, head, heads);");
            foreach (var (input, _) in CarriedTiles)
            {
                var shape = GpuBody.Generic(program[input.Id].Shape);
                code.Line($"var {Local(input)} = Tile.New<{shape}>();");
                code.Line(Decays is not null
                    ? $"Tile.Fill<{shape}>({Local(input)}, 0f);"
                    : $"Transfers.ReadState<{shape}, SingleElement>({Local(input)}, {(backward ? "dFinal" : "initial")}{StateOf(input)}, {RowsOf(input)}, sequence, head, heads);");
            }

            foreach (var (input, _) in CarriedTiles.Where(carried => IsStored(carried.Input)))
                code.Line($"Tile.Store<{GpuBody.Generic(program[input.Id].Shape)}, TElement>({Stored(input)}, {Local(input)});");
            foreach (var (numbers, count) in body.Numbers) code.Line($"var {numbers} = LocalMemory.Allocate1D<float>({count});");
            foreach (var (tile, shape) in body.Tiles) code.Line($"var {tile} = Tile.New<{GpuBody.Generic(shape)}>();");
            foreach (var (output, sum) in sums) code.Line(IsLine(output.Id) ? $"Rows.Fill<{Along(output.Id)}>({sum}, 0f);" : $"var {sum} = 0f;");
            Walk(code);
            if (CarriedLines.Any() || sums.Any(sum => IsLine(sum.Output.Id))) code.Line(GpuBody.Barrier);
            foreach (var (input, _) in CarriedLines)
                code.Line($"Rows.WriteState<TBlock, {Along(input.Id)}, SingleElement>({(backward ? "dInitial" : "final")}{StateOf(input)}, sequence, head, heads, {Local(input)});");
            foreach (var (input, _) in CarriedTiles)
                code.Line($"Transfers.WriteState<{GpuBody.Generic(program[input.Id].Shape)}, SingleElement>({(backward ? "dInitial" : "final")}{StateOf(input)}, {RowsOf(input)}, sequence, head, heads, {Local(input)});");
            foreach (var (output, sum) in sums.Where(sum => IsLine(sum.Output.Id)))
                code.Line($"Rows.WriteState<TBlock, {Along(output.Id)}, SingleElement>({Tensor(output)}, sequence, (split * heads) + head, splits * heads, {sum});");
            foreach (var (output, sum) in sums.Where(sum => !IsLine(sum.Output.Id)))
                code.Line($"Memory.WriteIf<TBlock, SingleElement>(Group.IdxX == 0 & {Tensor(output)}.Address != 0, {Tensor(output)}.Row<SingleElement>(sequence, (split * heads) + head, splits * heads), {sum});");
        }).Line("}");
    }

    /// <summary>Computes the results, tiles first, and hands them on. Gives the sums over the chunks for results per head.</summary>
    private List<(ProgramOutput Output, string Sum)> Results()
    {
        var sums = new List<(ProgramOutput, string)>();
        var take = program.Outputs.Where(output => plan.PlaceOf(output.Id) == Place.Tile).GroupBy(output => output.Id).ToDictionary<IGrouping<int, ProgramOutput>, int, Action<CodeWriter>>(same => same.Key, same => code =>
        {
            foreach (var output in same)
            {
                var shape = GpuBody.Generic(program[output.Id].Shape);
                var registers = body.RegistersOf(output.Id);
                var (tensor, element) = (Tensor(output), ElementOfResult(output));
                code.Line($"Transfers.Write<{shape}, {element}>({RowOf(output, element, "first + start")}, {StrideOf(output, element)}, rows, {tensor}.Columns, {registers});");
            }
        });
        body.Compute(take);
        foreach (var output in program.Outputs.Where(output => IsLine(output.Id) && program[output.Id].Shape.Rows == Dim.Time))
        {
            var line = body.LineOf(output.Id);
            body.ByFirstWarp(code => code.Line($"Columns.Write<TBlock, TChunk, SingleElement>({RowOf(output, "SingleElement", "first + start")}, {StrideOf(output, "SingleElement")}, rows, {line});"), [], []);
        }

        foreach (var output in program.Outputs.Where(output => plan.PlaceOf(output.Id) == Place.Scalar))
        {
            var sum = names.Fresh($"sumOf{output.Name}");
            body.Do([], [], code => code.Line($"{sum} += {body.NumberOf(output.Id)};"));
            sums.Add((output, sum));
        }

        foreach (var output in program.Outputs.Where(output => IsLine(output.Id) && program[output.Id].Shape.Rows != Dim.Time))
        {
            var sum = names.Fresh($"sumOf{output.Name}");
            body.Regions.Take(sum, LineBytes(output.Id), writer!);
            var line = body.LineOf(output.Id);
            body.ByFirstWarp(code => GpuBody.ForEach(code, Places.Along(program[output.Id].Shape), sum, $"Columns.Get({sum}, at) + Columns.Get({line}, at)"), [], [sum]);
            sums.Add((output, sum));
        }

        foreach (var (input, next) in CarriedLines)
        {
            var line = body.LineOf(next.Id);
            body.ByFirstWarp(code => GpuBody.ForEach(code, Places.Along(program[next.Id].Shape), Local(input), $"Columns.Get({line}, at)"), [], [Local(input)]);
        }

        body.FinishLines();
        foreach (var (input, next) in CarriedTiles)
        {
            var shape = GpuBody.Generic(program[input.Id].Shape);
            var registers = body.RegistersOf(next.Id);
            body.Do([], IsStored(input) ? [Stored(input)] : [], code =>
            {
                code.Line($"for (var i = 0; i < Layout<{shape}>.Count; i++) {Local(input)}[i] = {registers}[i];");
                if (IsStored(input)) code.Line($"Tile.Store<{shape}, TElement>({Stored(input)}, {Local(input)});");
            });
        }

        return sums;
    }

    /// <summary>What of a chunk follows from numbers of its tokens alone: the first warp computes it while the chunk before is finished.</summary>
    private void EarlyLines(CodeWriter code)
    {
        var numbers = string.Concat(Numbers.Select(input => $", float {Local(input)}"));
        code.Line().Line("/// <summary>Numbers of a chunk's tokens, which the first warp computes before the chunk begins.</summary>");
        code.Line($"private static void {name}Lines<{Generics}>(SharedAddress lines, int rows{numbers})").Indented(() => code.Lines(Constraints));
        code.Line("{").Indented(() =>
        {
            PlaceLines(code);
            foreach (var step in early.Steps) code.Append(step);
        }).Line("}");
    }

    /// <summary>Where the lines of a chunk are.</summary>
    private void PlaceLines(CodeWriter code)
    {
        var place = "lines";
        foreach (var line in linesOfChunk)
        {
            code.Line($"var {line} = {place};");
            place = $"{line} + Columns.Bytes<TChunk>()";
        }
    }

    /// <summary>Which part of the tensors is the block's.</summary>
    private void Begin(CodeWriter code)
    {
        code.Line("int split = Grid.IdxX % splits, head = Grid.IdxX / splits % heads, sequence = Grid.IdxX / splits / heads;");
        code.Line("long first = Memory.ReadLong(offsets + (16L * sequence)), firstRow = Memory.ReadLong(offsets + (16L * sequence) + 8);");
        code.Line("var tokens = Memory.ReadLong(offsets + (16L * sequence) + 16) - first;");
        foreach (var (tensor, element) in SplitTensors()) code.Line($"{tensor} = {tensor}.From<{element}>(split * {GpuBody.Size(Split!)}.Value);");
        code.Line("var shared = new SharedAddress(SharedMemory.GetDynamic<byte>(), 0);");
        code.Line($"var stageBytes = {name}StageBytes<{Generics}>();");
        var offset = $"shared + ({Stages} * stageBytes)";
        if (linesOfChunk.Count > 0)
        {
            code.Line($"var linesBytes = {LinesBytes};").Line($"var lines = {offset};");
            offset = "lines + (2 * linesBytes)";
        }

        foreach (var (region, bytes) in KeptTiles.Select(kept => (Local(kept), BytesOf(kept))).Concat(body.Regions.All))
        {
            code.Line($"var {region} = {offset};");
            offset = $"{region} + {bytes}";
        }
    }

    private int Stages => backward ? 1 : 2;

    private bool KeepsStates => !backward && Decays is null;

    private IEnumerable<(string Tensor, string Element)> SplitTensors()
    {
        bool IsSplit(int id) => Split is not null && program[id].Shape.Columns == Split;
        foreach (var input in Tiles.Where(input => IsSplit(input.Id))) yield return (Tensor(input), Element(input));
        foreach (var output in program.Outputs.Where(output => plan.PlaceOf(output.Id) == Place.Tile && IsSplit(output.Id))) yield return (Tensor(output), ElementOfResult(output));
        foreach (var (input, _) in CarriedTiles.Where(carried => IsSplit(carried.Input.Id)))
        {
            var state = StateOf(input);
            if (Decays is not null)
            {
                yield return ($"final{state}", "SingleElement");
                continue;
            }

            if (!backward || Kept.Any(kept => kept.Name == state)) yield return ($"kept{state}", "TElement");
            yield return (backward ? $"dFinal{state}" : $"initial{state}", "SingleElement");
            yield return (backward ? $"dInitial{state}" : $"final{state}", "SingleElement");
        }
    }

    private void Walk(CodeWriter code)
    {
        if (Stages == 2) code.Line("var stage = 0;");
        foreach (var input in Lines) code.Line($"var {Arriving(input)} = Columns.New<TChunk>();");
        code.Line(backward ? "var start = (tokens + TChunk.Value - 1) / TChunk.Value * TChunk.Value - TChunk.Value;" : "var start = 0L;");
        foreach (var input in Tiles.Concat(KeptTiles)) Copy(code, input, "0", "start");
        foreach (var input in Lines) Fetch(code, input, "start");
        Puts(code, "start");
        code.Line("Transfers.Depart<TBlock>();");
        code.Block(backward ? "while (start >= 0)" : "while (start < tokens)", () =>
        {
            code.Line($"var next = start {(backward ? "-" : "+")} TChunk.Value;");
            code.Line("var rows = Memory.RowsAt<TChunk>(start, tokens);");
            code.Line("Transfers.Arrive<TBlock>();").Line("Group.Barrier();");
            foreach (var input in Lines) Fetch(code, input, "next");
            if (Stages == 2)
            {
                foreach (var input in Tiles) Copy(code, input, "stageBytes - stage", "next");
                code.Line("Transfers.Depart<TBlock>();");
            }

            foreach (var (input, offset) in Offsets()) code.Line($"var {Local(input)} = shared + ({(Stages == 2 ? $"stage + {offset}" : offset)});");
            PlaceLines(code);
            foreach (var kept in Kept.Where(IsLine))
                code.Line($"Rows.ReadState<{Along(kept.Id)}, TElement>({Local(kept)}, kept{kept.Name}, firstRow + (start / TChunk.Value), head, heads);");
            if (Kept.Any(IsLine)) code.Line(GpuBody.Barrier);
            if (KeepsStates)
                foreach (var (input, _) in CarriedLines)
                    code.Line($"Rows.WriteState<TBlock, {Along(input.Id)}, TElement>(kept{input.Name}, firstRow + (start / TChunk.Value), head, heads, {Local(input)});");
            if (KeepsStates)
                foreach (var (input, _) in CarriedTiles)
                    code.Line($"Transfers.WriteState<{GpuBody.Generic(program[input.Id].Shape)}, TElement>(kept{input.Name}, {RowsOf(input)}, firstRow + (start / TChunk.Value), head, heads, {Local(input)});");
            Steps(code);
            if (Stages == 2) code.Line("stage = stageBytes - stage;");
            if (linesOfChunk.Count > 0) code.Line("lines = lines + linesBytes;").Line("linesBytes = -linesBytes;");
            Puts(code, "next");
            code.Line("start = next;");
        });
    }

    /// <summary>What happens in a chunk; after the last read of a tile that has one place only, and the barrier that follows, its next one is fetched.</summary>
    private void Steps(CodeWriter code)
    {
        var waiting = KeptTiles.Concat(Stages == 1 ? Tiles : []).ToList();
        for (var step = 0; step < body.Steps.Count; step++)
            foreach (var line in body.Steps[step].Written)
            {
                code.Verbatim(line);
                if (line.Trim() == GpuBody.Barrier) Refill(waiting.Where(input => body.LastRead(Local(input)) < step).ToList());
            }

        if (waiting.Count == 0) return;
        code.Line(GpuBody.Barrier);
        Refill(waiting.ToList());

        void Refill(List<ProgramInput> used)
        {
            if (used.Count == 0) return;
            foreach (var input in used) Copy(code, input, "0", "next");
            code.Line("Transfers.Depart<TBlock>();");
            waiting.RemoveAll(used.Contains);
        }
    }

    /// <summary>How much shared memory it takes: that of a chunk's inputs, and what is stored of the chunk at hand.</summary>
    private void Memory(CodeWriter code)
    {
        code.Line("/// <summary>Shared memory for the tokens' tensors of a chunk.</summary>");
        code.Line($"public static int {name}StageBytes<{Generics}>()").Indented(() => code.Lines(Constraints)).Line($"    => {string.Join(" + ", Tiles.Select(BytesOf))};").Line();
        code.Line("/// <summary>Shared memory of a block.</summary>");
        code.Line($"public static int {name}Bytes<{Generics}>()").Indented(() => code.Lines(Constraints))
            .Line($"    => {string.Join(" + ", KeptTiles.Select(BytesOf).Concat(body.Regions.All.Select(region => region.Bytes)).Prepend($"({Stages} * {name}StageBytes<{Generics}>()) + (2 * {LinesBytes})"))};");
    }

    private string BytesOf(ProgramInput input) => $"Shared<{GpuBody.Dimensions(program[input.Id].Shape)}, {Element(input)}>.Bytes";

    /// <summary>Begins to fetch a tile of a chunk to shared memory.</summary>
    private void Copy(CodeWriter code, ProgramInput input, string stage, string start)
    {
        var (tensor, shape, element) = (input.Kind == InputKind.State ? $"kept{input.Name}" : Tensor(input), GpuBody.Generic(program[input.Id].Shape), Element(input));
        if (input.Kind == InputKind.State)
        {
            code.Line($"Transfers.Copy<{shape}, {element}>({Local(input)}, {tensor}.State<{element}>(firstRow + ({start} / TChunk.Value), head, heads, {RowsOf(input)}), {tensor}.Stride<{element}>(1), Memory.RowsOf({start} >= 0, {RowsOf(input)}), {tensor}.Columns);");
            return;
        }

        var at = Offsets().First(place => place.Input == input).Offset;
        code.Line($"Transfers.Copy<{shape}, {element}>(shared + ({(stage == "0" ? at : $"{stage} + {at}")}), {tensor}.Row<{element}>(first + {start}, head, heads), {tensor}.Stride<{element}>(), Memory.RowsAt<TChunk>({start}, tokens), {tensor}.Columns);");
    }

    /// <summary>Begins to fetch numbers of a chunk's tokens to registers of the first warp.</summary>
    private void Fetch(CodeWriter code, ProgramInput input, string start) =>
        code.Line($"Columns.Read<TChunk, SingleElement>({Arriving(input)}, {Tensor(input)}.Row<SingleElement>(first + {start}, head, heads), {Tensor(input)}.Stride<SingleElement>(), Memory.RowsAt<TChunk>({start}, tokens));");

    /// <summary>Puts numbers of tokens that have been fetched where the chunk that they are for looks for them, and what follows from them.</summary>
    private void Puts(CodeWriter code, string start)
    {
        foreach (var (input, place) in Lines.Select((input, place) => (input, place))) code.Line($"Columns.Put<TChunk>(lines + ({place} * Columns.Bytes<TChunk>()), {Arriving(input)});");
        if (linesOfChunk.Count > Lines.Count())
            code.Line($"{name}Lines<{Generics}>(lines, Memory.RowsAt<TChunk>({start}, tokens){string.Concat(Numbers.Select(input => $", {Local(input)}"))});");
    }

    private string LinesBytes => $"{linesOfChunk.Count} * Columns.Bytes<TChunk>()";

    private IEnumerable<(ProgramInput Input, string Offset)> Offsets()
    {
        var before = "0";
        foreach (var input in Tiles)
        {
            yield return (input, before);
            before = before == "0" ? BytesOf(input) : $"{before} + {BytesOf(input)}";
        }
    }

    private string RowOf(ProgramOutput output, string element, string token) => IsInParts(output)
        ? $"{Tensor(output)}.Row<{element}>({token}, (split * heads) + head, splits * heads)"
        : $"{Tensor(output)}.Row<{element}>({token}, head, heads)";

    private string StrideOf(ProgramOutput output, string element) => $"{Tensor(output)}.Stride<{element}>()";

    /// <summary>Whether each split has a part of a result, the sum of which it is.</summary>
    private bool IsInParts(ProgramOutput output) => backward && program[output.Id].Shape.Columns != Split;

    private string Element(ProgramInput input) => input.Kind == InputKind.Argument && IsGate(input.Name) ? "TGate" : "TElement";

    private string ElementOfResult(ProgramOutput output) => backward && IsGate(Declared(output.Name)) ? "TGate" : "TElement";

    private bool IsGate(string argument) => declaration.Parameters.Any(parameter => parameter.Name == argument && parameter is { IsLogDecay: true, Role: ParameterRole.Token });

    private bool IsLine(ProgramInput input) => IsLine(input.Id);

    private bool IsLine(int id) => plan.PlaceOf(id) == Place.Line;

    /// <summary>Whether a carried tile has a copy in shared memory that products take.</summary>
    private bool IsStored(ProgramInput carried) => plan.StoredUses(carried.Id) > 0;

    private string Stored(ProgramInput carried) => $"{locals[carried.Id].TrimStart('@')}Stored";

    private string Along(int line) => GpuBody.Size(Places.Along(program[line].Shape));

    private string LineBytes(int line) => $"Columns.Bytes<{Along(line)}>()";

    /// <summary>The size of a state's rows: the columns of a tensor that has them.</summary>
    private string RowsOf(ProgramInput state)
    {
        var rows = program[state.Id].Shape.Rows;
        return $"{Tensor(Tiles.First(input => program[input.Id].Shape.Columns == rows))}.Columns";
    }

    private string StateOf(ProgramInput carried) => backward ? Declared(carried.Name) : carried.Name;

    /// <summary>The name of what a gradient is of.</summary>
    private static string Declared(string gradient) => gradient.Substring(1);

    private string Arriving(ProgramInput input) => $"arriving{locals[input.Id].TrimStart('@')}";

    private string Tensor(ProgramInput input) => tensorOfInput[input.Id];

    private string Tensor(ProgramOutput output) => tensorOfOutput[output.Name];

    private string Local(ProgramInput input) => locals[input.Id];

    private ParameterRole RoleOf(string name) => declaration.Parameters.Single(parameter => parameter.Name == name).Role;
}
