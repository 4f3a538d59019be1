using Fla.Dsl.Generator.Lowering;
using Fla.Dsl.Generator.Model;

namespace Fla.Dsl.Generator.Emit.Gpu.Channels;

/// <summary>
/// Writes one kernel of channels: a thread walks the tokens of one channel, forward or backward in time, what is carried in its registers.
/// The tokens of the next chunk arrive in shared memory while it walks through those of this one. Walking backward it first has the states
/// of the chunk's tokens again, from the one that was kept.
/// </summary>
internal sealed class ChannelKernel
{
    private const string Single = "SingleElement";

    private readonly GpuInterface io;
    private readonly TileProgram program;
    private readonly string channel;

    /// <summary>Whether a thread has one number of each value.</summary>
    private readonly bool isNarrow;

    /// <summary>What comes per token, how it is read and what else of the walk there is.</summary>
    private readonly Dictionary<int, string> reads;
    private readonly Dictionary<int, string> given = [];
    private readonly ChannelBody body;
    private readonly ChannelBody? again;
    private readonly List<(ProgramOutput Output, string Sum)> sums;
    private readonly Dictionary<string, string> rows;
    private readonly List<(ProgramInput State, ProgramOutput Next, string History, string Arriving)> histories = [];

    public ChannelKernel(GpuInterface io)
    {
        (this.io, program, channel) = (io, io.Kernel.Program, io.Split!);
        isNarrow = io.Plan.Needed.All(id => Extent(id) == Dim.One);
        reads = io.Tokens.ToDictionary(input => input.Id, input => $"{Element(input)}.ReadShared({io.Local(input)} + {SharedOf(input)}.At(token, {(HasChannel(input.Id) ? "Group.IdxX" : Extent(input.Id) == Dim.One ? "0" : "n")}))");
        foreach (var input in io.Scales) given.Add(input.Id, io.Local(input));
        foreach (var input in io.PerHead.Concat(program.Carried)) given.Add(input.Id, Indexed(io.Local(input), input.Id));
        foreach (var input in program.Inputs.Where(input => input.Kind == InputKind.Validity)) given.Add(input.Id, "1f");
        sums = program.Outputs.Where(io.IsPerHead).Select(output => (output, io.Names.Fresh($"sumOf{output.Name}"))).ToList();
        rows = program.Outputs.ToDictionary(output => output.Name, output => io.Names.Fresh($"{output.Name}Row"));
        if (io.IsBackward)
        {
            foreach (var (state, next) in io.Kept.Select(kept => (kept, program.Next.Skip(program.Carried.Count()).First(next => next.Name == kept.Name))))
                histories.Add((state, next, io.Names.Fresh($"historyOf{state.Name}"), io.Names.Fresh($"arriving{state.Name}")));
            var states = given.Concat(histories.Select(history => new KeyValuePair<int, string>(history.State.Id, Indexed(io.Local(history.State), history.State.Id))));
            again = new ChannelBody(program, channel, io.Names, histories.Select(history => history.Next.Id), states.ToDictionary(pair => pair.Key, pair => pair.Value), reads);
            foreach (var (state, _, history, _) in histories) reads.Add(state.Id, $"{Single}.ReadShared({Past(history, state)})");
        }

        body = new ChannelBody(program, channel, io.Names, program.Outputs.Select(output => output.Id).Concat(io.Carried.Select(carried => carried.Next.Id)), given, reads);
    }

    private string Name => io.Kernel.Name;

    public void Write(CodeWriter code)
    {
        var (again, walk) = (code.Inner(2), code.Inner(2));
        if (io.IsBackward) Again(again);
        Tokens(walk);
        Memory(code);
        code.Line().Line($"/// <summary>{io.Kernel.Summary}</summary>");
        code.Line($"public static void {Name}<{io.Generics}>({string.Join(", ", io.Parameters)}, long offsets, int heads, int splits)");
        code.Indented(() => code.Lines(io.Constraints));
        code.Line("{").Indented(() =>
        {
            Locate(code);
            Begin(code);
            code.Line("var stage = 0;");
            code.Line(io.IsBackward ? "var start = (tokens + TChunk.Value - 1) / TChunk.Value * TChunk.Value - TChunk.Value;" : "var start = 0L;");
            foreach (var input in io.Tokens) Copy(code, input, "stage", "start");
            code.Line("Transfers.Depart<TBlock>();");
            foreach (var (state, _, _, arriving) in histories) Declare(code, arriving, state.Id, Kept(state, "start"));
            code.Block(io.IsBackward ? "while (start >= 0)" : "while (start < tokens)", () => Chunk(code, again, walk));
            End(code);
        }).Line("}");
    }

    private void Memory(CodeWriter code)
    {
        code.Line("/// <summary>Shared memory for the tokens' tensors of a chunk.</summary>");
        code.Line($"public static int {Name}StageBytes<{io.Generics}>()").Indented(() => code.Lines(io.Constraints)).Line($"    => {string.Join(" + ", io.Tokens.Select(input => $"{SharedOf(input)}.Bytes"))};").Line();
        code.Line("/// <summary>Shared memory of a block.</summary>");
        code.Line($"public static int {Name}Bytes<{io.Generics}>()").Indented(() => code.Lines(io.Constraints))
            .Line($"    => {string.Join(" + ", histories.Select(HistoryBytes).Prepend($"2 * {Name}StageBytes<{io.Generics}>()"))};");
    }

    /// <summary>Which channel is the thread's, and where in shared memory what is.</summary>
    private void Locate(CodeWriter code)
    {
        code.Line("int split = Grid.IdxX % splits, head = Grid.IdxX / splits % heads, sequence = Grid.IdxX / splits / heads;");
        code.Line("long first = Memory.ReadLong(offsets + (16L * sequence)), firstRow = Memory.ReadLong(offsets + (16L * sequence) + 8);");
        code.Line("var tokens = Memory.ReadLong(offsets + (16L * sequence) + 16) - first;");
        code.Line($"int channels = {io.Tensor(io.Tokens.First(input => HasChannel(input.Id)))}.Columns, channel = (split * T{channel}.Value) + Group.IdxX;");
        code.Line("var inside = channel < channels;");
        foreach (var input in io.Tokens.Where(input => HasChannel(input.Id)))
            code.Line($"{io.Tensor(input)} = {io.Tensor(input)}.From<{Element(input)}>(split * T{channel}.Value);");
        code.Line("var shared = new SharedAddress(SharedMemory.GetDynamic<byte>(), 0);");
        code.Line($"var stageBytes = {Name}StageBytes<{io.Generics}>();");
        var offset = "shared + (2 * stageBytes)";
        foreach (var history in histories)
        {
            code.Line($"var {history.History} = {offset};");
            offset = $"{history.History} + {HistoryBytes(history)}";
        }
    }

    /// <summary>What there is before the first token.</summary>
    private void Begin(CodeWriter code)
    {
        foreach (var input in io.PerHead)
            Declare(code, io.Local(input), input.Id, $"Memory.ReadIf<TBlock, {Single}>({Inside(input.Id)}, {io.Tensor(input)}.Row<{Single}>(0, head, heads) + (4L * ({At(input.Id)})))");
        foreach (var (input, _) in io.Carried)
            Declare(code, io.Local(input), input.Id, io.IsSegment ? "0f" : $"Channel.ReadState<TBlock, {Single}>({io.Incoming(input)}, sequence, head, heads, {Elements(input.Id)}, {At(input.Id)}, inside)");
        foreach (var (output, sum) in sums) Declare(code, sum, output.Id, "0f");
        foreach (var (state, _, _, _) in histories.Where(history => Extent(history.State.Id) != Dim.One)) Declare(code, io.Local(state), state.Id, "0f");
        foreach (var (array, dimension) in body.Arrays.Concat(again?.Arrays ?? [])) code.Line($"var {array} = LocalMemory.Allocate1D<float>(T{dimension}.Value);");
    }

    private void Chunk(CodeWriter code, CodeWriter again, CodeWriter walk)
    {
        code.Line($"var next = start {(io.IsBackward ? "-" : "+")} TChunk.Value;");
        code.Line("var rows = Memory.RowsAt<TChunk>(start, tokens);");
        code.Line("Transfers.Arrive<TBlock>();").Line(GpuBody.Barrier);
        foreach (var input in io.Tokens) Copy(code, input, "(stageBytes - stage)", "next");
        code.Line("Transfers.Depart<TBlock>();");
        foreach (var input in io.Tokens) code.Line($"var {io.Local(input)} = {InStage(input, "stage")};");
        foreach (var output in program.Outputs.Where(output => !io.IsPerHead(output) && HasChannel(output.Id)))
            code.Line($"var {Row(output)} = {io.Row(output, Element(output))} + (channel * (long){Element(output)}.Bytes);");

        if (io.KeepsStates)
            foreach (var (input, _) in io.Carried)
                Each(code, input.Id, $"Channel.WriteState<TBlock, {KeptElement(input)}>({io.KeptTensor(input.Name)}, firstRow + (start / TChunk.Value), head, heads, {Elements(input.Id)}, {KeptAt(input.Id)}, inside, {Indexed(io.Local(input), input.Id)});");
        foreach (var (state, _, _, arriving) in histories)
            ChannelBody.ForEach(code, Extent(state.Id), [$"{(Extent(state.Id) == Dim.One ? "var " : "")}{Indexed(io.Local(state), state.Id)} = {Indexed(arriving, state.Id)};", $"{Indexed(arriving, state.Id)} = {Kept(state, "next")};"]);
        code.Append(again).Append(walk);
        code.Line("stage = stageBytes - stage;").Line("start = next;");
    }

    /// <summary>The states of the chunk's tokens once more.</summary>
    private void Again(CodeWriter code) => EachToken(code, forward: true, inner =>
    {
        foreach (var (state, _, history, _) in histories) Each(inner, state.Id, $"{Single}.WriteShared({Past(history, state)}, {Indexed(io.Local(state), state.Id)});");
        again!.Write(inner);
        foreach (var (state, next, _, _) in histories) Carry(inner, state, again[next.Id]);
    });

    private void Tokens(CodeWriter code) => EachToken(code, forward: !io.IsBackward, inner =>
    {
        body.Write(inner);
        foreach (var output in program.Outputs.Where(output => !io.IsPerHead(output)))
        {
            var element = Element(output);
            inner.Line($"Memory.WriteIf<TBlock, {element}>({(isNarrow ? "holds & inside" : "inside")}, {Row(output)} + (token * {io.Tensor(output)}.Stride<{element}>()), {body[output.Id]});");
        }

        foreach (var (output, sum) in sums) Each(inner, output.Id, $"{Indexed(sum, output.Id)} += {(isNarrow ? $"Numbers.Where(holds, {body[output.Id]})" : body[output.Id])};");
        foreach (var (state, next) in io.Carried) Carry(inner, state, body[next.Id]);
    });

    /// <summary>Walks through the tokens of a chunk: where a thread has little of each, more of them at once, past the last for nothing.</summary>
    private void EachToken(CodeWriter code, bool forward, Action<CodeWriter> write)
    {
        if (!isNarrow)
        {
            code.Block(forward ? "for (var token = 0; token < rows; token++)" : "for (var token = rows - 1; token >= 0; token--)", () => write(code));
            return;
        }

        code.Block(forward ? "for (var group = 0; group < rows; group += Channel.Tokens)" : "for (var group = (rows - 1) / Channel.Tokens * Channel.Tokens; group >= 0; group -= Channel.Tokens)", () =>
            code.Block("for (var i = 0; i < Channel.Tokens; i++)", () =>
            {
                code.Line($"var token = group + {(forward ? "i" : "Channel.Tokens - 1 - i")};").Line("var holds = token < rows;");
                write(code);
            }));
    }

    private void Carry(CodeWriter code, ProgramInput state, string next)
    {
        var own = Indexed(io.Local(state), state.Id);
        Each(code, state.Id, $"{own} = {(isNarrow ? $"Numbers.Select(holds, {next}, {own})" : next)};");
    }

    /// <summary>What is left after the last token: what has been carried, and the results per head.</summary>
    private void End(CodeWriter code)
    {
        foreach (var (input, _) in io.Carried)
            Each(code, input.Id, $"Channel.WriteState<TBlock, {Single}>({io.Outgoing(input)}, sequence, head, heads, {Elements(input.Id)}, {At(input.Id)}, inside, {Indexed(io.Local(input), input.Id)});");
        foreach (var (output, sum) in sums)
            Each(code, output.Id, $"Memory.WriteIf<TBlock, {Single}>(inside & {io.Tensor(output)}.Address != 0, {io.Tensor(output)}.Row<{Single}>(sequence, (split * heads) + head, splits * heads) + (4L * ({At(output.Id)})), {Indexed(sum, output.Id)});");
    }

    private void Copy(CodeWriter code, ProgramInput input, string stage, string start) =>
        code.Line($"Transfers.CopyTokens<TBlock, TChunk, {Columns(input)}, {Element(input)}>({InStage(input, stage)}, {io.Tensor(input)}, first, {start}, tokens, head, heads);");

    /// <summary>Where in a stage what comes per token is.</summary>
    private string InStage(ProgramInput input, string stage) =>
        string.Concat(io.Tokens.TakeWhile(other => other != input).Select(other => $" + {SharedOf(other)}.Bytes").Prepend($"shared + {stage}"));

    /// <summary>A state that the walk forward kept of a chunk. It lies as is best for a block: the numbers of all channels side by side.</summary>
    private string Kept(ProgramInput state, string start) =>
        $"Channel.ReadState<TBlock, {KeptElement(state)}>({io.Tensor(state)}, firstRow + ({start} / TChunk.Value), head, heads, {Elements(state.Id)}, {KeptAt(state.Id)}, inside & {start} >= 0)";

    private string HistoryBytes((ProgramInput State, ProgramOutput Next, string History, string Arriving) history) => $"Channel.HistoryBytes<TChunk, T{channel}, {Size(Extent(history.State.Id))}>()";

    private string Past(string history, ProgramInput state) => $"Channel.History<T{channel}, {Size(Extent(state.Id))}>({history}, token, {(Extent(state.Id) == Dim.One ? "0" : "n")})";

    /// <summary>A number, or an array of them.</summary>
    private void Declare(CodeWriter code, string name, int id, string value)
    {
        if (Extent(id) != Dim.One) code.Line($"var {name} = LocalMemory.Allocate1D<float>(T{Extent(id)}.Value);");
        Each(code, id, Extent(id) == Dim.One ? $"var {name} = {value};" : $"{name}[n] = {value};");
    }

    private void Each(CodeWriter code, int id, string line) => ChannelBody.ForEach(code, Extent(id), [line]);

    private string Indexed(string name, int id) => Extent(id) == Dim.One ? name : $"{name}[n]";

    private string Inside(int id) => HasChannel(id) ? "inside" : "true";

    /// <summary>Where in a tensor what the thread has of a value lies.</summary>
    private string At(int id) => program[id].Shape switch
    {
        _ when !HasChannel(id) => Extent(id) == Dim.One ? "0" : "n",
        _ when Extent(id) == Dim.One => "channel",
        var shape => shape.Rows == channel ? $"(channel * T{shape.Columns}.Value) + n" : KeptAt(id),
    };

    private string KeptAt(int id) => Extent(id) == Dim.One ? "channel" : "(n * channels) + channel";

    private string Elements(int id) => Extent(id) == Dim.One ? "channels" : $"channels * T{Extent(id)}.Value";

    private string Row(ProgramOutput output) => rows[output.Name];

    private string SharedOf(ProgramInput input) => $"Shared<TChunk, {Columns(input)}, {Element(input)}>";

    private string Columns(ProgramInput input) => Size(program[input.Id].Shape.Columns);

    private static string Size(string dimension) => dimension == Dim.One ? "Size1" : $"T{dimension}";

    /// <summary>What is kept of a single number is as it was.</summary>
    private string KeptElement(ProgramInput state) => Extent(state.Id) == Dim.One ? Single : "TElement";

    /// <summary>One number a token is fp32.</summary>
    private string Element(ProgramInput input) => program[input.Id].Shape == Shape.Scalar ? Single : io.Element(input);

    private string Element(ProgramOutput output) => program[output.Id].Shape == Shape.Scalar ? Single : io.Element(output);

    private bool HasChannel(int id) => ChannelPrograms.HasChannel(program[id].Shape, channel);

    private string Extent(int id) => ChannelPrograms.Extent(program[id].Shape, channel);
}
