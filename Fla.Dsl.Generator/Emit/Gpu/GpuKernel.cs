using Fla.Dsl.Generator.Lowering;
using Fla.Dsl.Generator.Model;

namespace Fla.Dsl.Generator.Emit.Gpu;

/// <summary>
/// Writes one kernel: a block walks the chunks of one sequence and head, the carried state in its registers. Inputs of the next chunk
/// arrive in shared memory while this one is computed; what a product needs that is in registers is stored there.
/// </summary>
internal sealed class GpuKernel
{
    private readonly Declaration declaration;
    private readonly TileProgram program;
    private readonly GpuBody body;

    public GpuKernel(Declaration declaration, TileProgram program)
    {
        (this.declaration, this.program) = (declaration, program);
        body = new GpuBody(program);
    }

    private IEnumerable<ProgramInput> Tokens => program.Inputs.Where(input => input.Kind == InputKind.OutputGradient || input.Kind == InputKind.Argument && RoleOf(input) == ParameterRole.Token);

    private IEnumerable<ProgramInput> Tiles => Tokens.Where(input => Places.Of(program[input.Id].Shape) == Place.Tile);

    private IEnumerable<ProgramInput> Columns => Tokens.Where(input => Places.Of(program[input.Id].Shape) == Place.Column);

    private IEnumerable<ProgramInput> PerHead => program.Inputs.Where(input => input.Kind == InputKind.Argument && RoleOf(input) == ParameterRole.PerHead);

    private IEnumerable<ProgramInput> Scales => program.Inputs.Where(input => input.Kind == InputKind.Argument && RoleOf(input) == ParameterRole.Scale);

    private string Generics => string.Join(", ", body.TypeParameters);

    public void Write(CodeWriter code, string name, string summary)
    {
        // The body first: it finds what shared memory it needs.
        var inner = code.Inner(2);
        body.Prepare(Tiles.Select(input => (input.Id, Local(input.Name))), Columns.Select(input => (input.Id, Local(input.Name))),
            PerHead.Concat(Scales).Select(input => (input.Id, Local(input.Name))), program.Carried.Select(input => (input.Id, input.Name)));
        body.Write(inner);

        Memory(code, name);
        code.Line().Line($"/// <summary>{summary}</summary>");
        var parameters = Tokens.Concat(PerHead).Select(input => $"GpuTensor {Tensor(input.Name)}").Concat(Scales.Select(input => $"float {Local(input.Name)}"))
            .Concat(program.Outputs.Select(output => $"GpuTensor {Tensor(output.Name)}"))
            .Concat(program.Carried.SelectMany(input => new[] { $"GpuTensor initial{input.Name}", $"GpuTensor final{input.Name}" }))
            .Append("long offsets").Append("int heads");
        code.Line($"public static void {name}<{Generics}>({string.Join(", ", parameters)})");
        code.Indented(() => code.Lines(body.Constraints));
        code.Line("{").Indented(() =>
        {
            code.Line($"var stageBytes = {name}StageBytes<{Generics}>();");
            code.Line("var shared = new SharedAddress(SharedMemory.GetDynamic<byte>(), 0);");
            var offset = "shared + (2 * stageBytes)";
            foreach (var (region, bytes) in body.Memory)
            {
                code.Line($"var {region} = {offset};");
                offset = $"{region} + {bytes}";
            }

            code.Line("int head = Grid.IdxX % heads, sequence = Grid.IdxX / heads;");
            code.Line("long first = Memory.ReadLong(offsets + (8L * sequence)), tokens = Memory.ReadLong(offsets + (8L * sequence) + 8) - first;");
            foreach (var input in PerHead) code.Line($"var {Local(input.Name)} = TElement.Read({Tensor(input.Name)}.Row<TElement>(0, head, heads));");
            foreach (var input in program.Carried)
            {
                var shape = body.Generic(program[input.Id].Shape);
                code.Line($"var {input.Name} = Tile.New<{shape}>();");
                code.Line($"Transfers.ReadState<{shape}, SingleElement>({input.Name}, initial{input.Name}, {RowsOf(input)}, sequence, head, heads);");
            }

            foreach (var (tile, shape) in body.Tiles) code.Line($"var {tile} = Tile.New<{body.Generic(shape)}>();");
            code.Line("var stage = 0;");
            foreach (var input in Columns) code.Line($"var {Arriving(input)} = Columns.New<TChunk>();");
            Copies(code, "0", "0L", "tokens");
            Puts(code, "0");
            code.Line("Transfers.Depart<TBlock>();");
            code.Block("for (var start = 0L; start < tokens; start += TChunk.Value)", () =>
            {
                code.Line("var rows = (int)Memory.Least(tokens - start, TChunk.Value);");
                code.Line("Transfers.Arrive<TBlock>();").Line("Group.Barrier();");
                code.Block("if (start + TChunk.Value < tokens)", () =>
                {
                    Copies(code, "stageBytes - stage", "start + TChunk.Value", "tokens - start - TChunk.Value");
                    code.Line("Transfers.Depart<TBlock>();");
                });
                foreach (var (input, offset) in Offsets()) code.Line($"var {Local(input.Name)} = shared + (stage + {offset});");
                code.Append(inner);
                foreach (var output in program.Outputs.Where(output => Places.Of(program[output.Id].Shape) == Place.Tile))
                {
                    var tensor = Tensor(output.Name);
                    code.Line($"Transfers.Write<{body.Generic(program[output.Id].Shape)}, TElement>({tensor}.Row<TElement>(first + start, head, heads), {tensor}.Stride<TElement>(), rows, {tensor}.Columns, {body.Variable(output.Id)});");
                }

                foreach (var next in program.Next.Zip(program.Carried, (n, c) => (n, c)))
                    code.Line($"for (var i = 0; i < Layout<{body.Generic(program[next.c.Id].Shape)}>.Count; i++) {next.c.Name}[i] = {body.Variable(next.n.Id)}[i];");
                code.Line("stage = stageBytes - stage;");
                Puts(code, "stage");
            });
            foreach (var input in program.Carried)
                code.Line($"Transfers.WriteState<{body.Generic(program[input.Id].Shape)}, SingleElement>(final{input.Name}, {RowsOf(input)}, sequence, head, heads, {input.Name});");
        }).Line("}");
    }

    /// <summary>How much shared memory it takes: twice that of a chunk's inputs, and what is stored of the chunk at hand.</summary>
    private void Memory(CodeWriter code, string name)
    {
        var inputs = Tiles.Concat(Columns).Select(Bytes);
        code.Line("/// <summary>Shared memory for the inputs of a chunk.</summary>");
        code.Line($"public static int {name}StageBytes<{Generics}>()").Indented(() => code.Lines(body.Constraints)).Line($"    => {string.Join(" + ", inputs)};").Line();
        code.Line("/// <summary>Shared memory of a block.</summary>");
        code.Line($"public static int {name}Bytes<{Generics}>()").Indented(() => code.Lines(body.Constraints))
            .Line($"    => {string.Join(" + ", body.Memory.Select(region => region.Bytes).Prepend($"(2 * {name}StageBytes<{Generics}>())"))};");
    }

    private string Bytes(ProgramInput input) =>
        Places.Of(program[input.Id].Shape) == Place.Tile ? $"Shared<{body.Dimensions(program[input.Id].Shape)}, TElement>.Bytes" : "Columns.Bytes<TChunk>()";

    /// <summary>Begins to fetch the inputs of a chunk: tiles to shared memory, numbers of tokens to registers.</summary>
    private void Copies(CodeWriter code, string stage, string start, string rows)
    {
        foreach (var (input, offset) in Offsets())
        {
            var tensor = Tensor(input.Name);
            var from = $"{tensor}.Row<TElement>(first + {start}, head, heads), {tensor}.Stride<TElement>(), (int)Memory.Least({rows}, TChunk.Value)";
            code.Line(Places.Of(program[input.Id].Shape) == Place.Tile
                ? $"Transfers.Copy<{body.Generic(program[input.Id].Shape)}, TElement>(shared + ({stage} + {offset}), {from}, {tensor}.Columns);"
                : $"Columns.Read<TChunk, TElement>({Arriving(input)}, {from});");
        }
    }

    /// <summary>Numbers of tokens that have been fetched, put where the chunk that they are for looks for them.</summary>
    private void Puts(CodeWriter code, string stage)
    {
        foreach (var (input, offset) in Offsets().Where(input => Places.Of(program[input.Input.Id].Shape) == Place.Column))
            code.Line($"Columns.Put<TChunk>(shared + ({stage} + {offset}), {Arriving(input)});");
    }

    private static string Arriving(ProgramInput input) => $"arriving{input.Name}";

    private IEnumerable<(ProgramInput Input, string Offset)> Offsets()
    {
        var before = "0";
        foreach (var input in Tiles.Concat(Columns))
        {
            yield return (input, before);
            before = before == "0" ? Bytes(input) : $"{before} + {Bytes(input)}";
        }
    }

    /// <summary>The size of a state's rows: the columns of a tensor that has them.</summary>
    private string RowsOf(ProgramInput state)
    {
        var rows = program[state.Id].Shape.Rows;
        return $"{Tensor(Tiles.First(input => program[input.Id].Shape.Columns == rows).Name)}.Columns";
    }

    private static string Tensor(string name) => $"{name}Tensor";

    private static string Local(string name) => Names.Escaped(name);

    private ParameterRole RoleOf(ProgramInput input) => declaration.Parameters.Single(parameter => parameter.Name == input.Name).Role;
}
