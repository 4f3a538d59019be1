using Fla.Dsl.Generator.Lowering;

namespace Fla.Dsl.Generator.Emit.Gpu.Channels;

/// <summary>
/// Writes one kernel of channels: a thread walks the tokens of one channel, forward or backward in time, what is carried in its registers.
/// The tokens of the next chunk arrive in shared memory while it walks through those of this one. Walking backward it first has the states
/// of the chunk's tokens again, from the one that was kept.
/// </summary>
internal sealed class ChannelKernel
{
    private readonly GpuInterface io;
    private readonly TileProgram program;
    private readonly ChannelPlaces places;
    private readonly ChannelBody body;

    /// <summary>Of a walk backward, what a token makes of the states.</summary>
    private readonly ChannelBody? again;

    /// <summary>Whether a thread has one number of each value.</summary>
    private readonly bool isNarrow;

    /// <summary>The states that were kept, in their places for each token of a chunk.</summary>
    private readonly List<(ProgramInput State, ProgramOutput Next, string History, string Arriving)> histories = [];

    /// <summary>For each result the name of its sum over all tokens, of its sums over the channels, or of its tensor's row.</summary>
    private readonly Dictionary<string, string> names;

    public ChannelKernel(GpuInterface io)
    {
        (this.io, program, places) = (io, io.Kernel.Program, new ChannelPlaces(io));
        isNarrow = io.Plan.Needed.All(places.IsNumber);
        string KindOf(ProgramOutput output) => io.IsPerHead(output) ? "sumOf" : places.HasChannel(output.Id) ? "rowOf" : "sumsOf";
        names = program.Outputs.ToDictionary(output => output.Name, output => io.Names.Fresh($"{KindOf(output)}{output.Name}"));
        foreach (var kept in io.Kept)
        {
            var next = program.Next.Skip(program.Carried.Count()).First(next => next.Name == kept.Name);
            histories.Add((kept, next, io.Names.Fresh($"historyOf{kept.Name}"), io.Names.Fresh($"arriving{kept.Name}")));
        }

        if (io.IsBackward)
        {
            again = Body(histories.Select(history => history.Next.Id));
            foreach (var (state, _, _, _) in histories) again.Give(state.Id, places.Indexed(io.Local(state), state.Id));
        }

        body = Body(program.Outputs.Select(output => output.Id).Concat(io.Carried.Select(carried => carried.Next.Id)));
        foreach (var (state, _, history, _) in histories)
            body.Read(state.Id, $"{ChannelPlaces.Single}.ReadShared({places.Past(history, state.Id)})");
    }

    private string Name => io.Kernel.Name;

    private IEnumerable<ProgramOutput> PerToken => program.Outputs.Where(output => !io.IsPerHead(output));

    /// <summary>Gradients of what all channels see.</summary>
    private IEnumerable<ProgramOutput> OfAll => PerToken.Where(output => !places.HasChannel(output.Id));

    public void Write(CodeWriter code)
    {
        var (frame, again, walk) = (new KernelFrame(io, code), code.Inner(2), code.Inner(2));
        if (io.IsBackward) Again(again);
        Tokens(walk);
        var tokens = io.Tokens.Select(input => $"{places.SharedOf(input)}.Bytes");
        frame.Bytes("Shared memory for the tokens' tensors of a chunk.", $"{Name}Stage", tokens);
        code.Line();
        var regions = Regions().Select(region => region.Bytes);
        frame.Bytes("Shared memory of a block.", Name, regions.Prepend($"(2 * {Name}StageBytes<{io.Generics}>())"));
        frame.Write(() =>
        {
            Locate(code, frame);
            Begin(code);
            frame.Walk(() => Fetch(code), () => Chunk(code, again, walk));
            End(code);
        });
    }

    private ChannelBody Body(IEnumerable<int> results)
    {
        var made = new ChannelBody(program, places.Channel, io.Names, results);
        foreach (var input in io.Scales) made.Give(input.Id, io.Local(input));
        foreach (var input in io.PerHead.Concat(program.Carried)) made.Give(input.Id, places.Indexed(io.Local(input), input.Id));
        foreach (var input in program.Inputs.Where(input => input.Kind == InputKind.Validity)) made.Give(input.Id, "1f");
        foreach (var input in io.Tokens)
        {
            var at = $"{io.Local(input)} + {places.SharedOf(input)}.At(token, ";
            if (places.HasChannel(input.Id)) made.Read(input.Id, $"{io.Element(input)}.ReadShared({at}Group.IdxX))");
            else made.Load(input.Id, array => $"ChannelSums.Load<TBlock, {places.Count(input.Id)}, {io.Element(input)}>({array}, {at}0));");
        }

        return made;
    }

    /// <summary>What is in shared memory besides the tokens.</summary>
    private IEnumerable<(string Name, string Bytes)> Regions() => histories
        .Select(history => (history.History, $"Channel.HistoryBytes<TChunk, T{places.Channel}, {places.Count(history.State.Id)}>()"))
        .Concat(OfAll.Select(output => (names[output.Name], $"ChannelSums.Bytes<TBlock, TChunk, {places.Count(output.Id)}>()")));

    /// <summary>Which channel is the thread's, and where in shared memory what is.</summary>
    private void Locate(CodeWriter code, KernelFrame frame)
    {
        var channels = io.Tokens.Where(input => places.HasChannel(input.Id)).ToList();
        code.Line($"int channels = {io.Tensor(channels[0])}.Columns, channel = (split * T{places.Channel}.Value) + Group.IdxX;");
        code.Line("var inside = channel < channels;");
        foreach (var input in channels)
            code.Line($"{io.Tensor(input)} = {io.Tensor(input)}.From<{io.Element(input)}>(split * T{places.Channel}.Value);");
        code.Line("var shared = new SharedAddress(SharedMemory.GetDynamic<byte>(), 0);");
        code.Line($"var stageBytes = {Name}StageBytes<{io.Generics}>();");
        frame.Place("shared + (2 * stageBytes)", Regions());
    }

    /// <summary>What there is before the first token.</summary>
    private void Begin(CodeWriter code)
    {
        foreach (var input in io.PerHead) Declare(code, io.Local(input), input.Id, places.PerHead(input));
        foreach (var (input, _) in io.Carried)
            Declare(code, io.Local(input), input.Id, io.IsSegment ? "0f" : places.State(io.Incoming(input), input.Id));
        foreach (var output in program.Outputs.Where(io.IsPerHead)) Declare(code, names[output.Name], output.Id, "0f");
        foreach (var output in OfAll) code.Line($"ChannelSums.Begin<TBlock, TChunk, {places.Count(output.Id)}>({names[output.Name]});");
        foreach (var (array, dimension) in body.Arrays.Concat(again?.Arrays ?? []))
            code.Line($"var {array} = LocalMemory.Allocate1D<float>(T{dimension}.Value);");
        code.Line("var stage = 0;");
    }

    /// <summary>Begins to fetch what the first chunk takes.</summary>
    private void Fetch(CodeWriter code)
    {
        Copy(code, "stage", "start");
        foreach (var (state, _, _, arriving) in histories)
        {
            Declare(code, io.Local(state), state.Id, "0f");
            Declare(code, arriving, state.Id, places.Kept(state, "start"));
        }
    }

    private void Chunk(CodeWriter code, CodeWriter again, CodeWriter walk)
    {
        Copy(code, "(stageBytes - stage)", "next");
        foreach (var input in io.Tokens) code.Line($"var {io.Local(input)} = {places.InStage(input, "stage")};");
        foreach (var output in PerToken.Where(output => places.HasChannel(output.Id)))
            code.Line($"var {names[output.Name]} = {io.Row(output, io.Element(output))} + (channel * (long){io.Element(output)}.Bytes);");
        foreach (var (input, _) in io.KeepsStates ? io.Carried : [])
            Each(code, input.Id, places.Keep(input, places.Indexed(io.Local(input), input.Id)));
        foreach (var (state, _, _, arriving) in histories)
        {
            var (own, coming) = (places.Indexed(io.Local(state), state.Id), places.Indexed(arriving, state.Id));
            Each(code, state.Id, $"{own} = {coming};", $"{coming} = {places.Kept(state, "next")};");
        }

        code.Append(again).Append(walk);
        if (OfAll.Any()) code.Line(GpuBody.Barrier);
        foreach (var output in OfAll)
        {
            var element = io.Element(output);
            var to = $"{io.Row(output, element)}, {io.Tensor(output)}.Stride<{element}>()";
            code.Line($"ChannelSums.Write<TBlock, TChunk, {places.Count(output.Id)}, {element}>({to}, rows, {names[output.Name]});");
        }

        code.Line("stage = stageBytes - stage;");
    }

    /// <summary>The states of the chunk's tokens once more.</summary>
    private void Again(CodeWriter code) => EachToken(code, forward: true, inner =>
    {
        foreach (var (state, _, history, _) in histories)
        {
            var own = places.Indexed(io.Local(state), state.Id);
            Each(inner, state.Id, $"{ChannelPlaces.Single}.WriteShared({places.Past(history, state.Id)}, {own});");
        }

        again!.Write(inner);
        foreach (var (state, next, _, _) in histories) Carry(inner, state, again[next.Id]);
    });

    private void Tokens(CodeWriter code) => EachToken(code, forward: !io.IsBackward, inner =>
    {
        body.Write(inner);
        foreach (var output in program.Outputs)
        {
            var (name, value, element) = (names[output.Name], body[output.Id], io.Element(output));
            if (io.IsPerHead(output))
            {
                var added = isNarrow ? $"Numbers.Where(holds, {value})" : value;
                Each(inner, output.Id, $"{places.Indexed(name, output.Id)} += {added};");
            }
            else if (places.HasChannel(output.Id))
            {
                var (condition, row) = (isNarrow ? "holds & inside" : "inside", $"token * {io.Tensor(output)}.Stride<{element}>()");
                inner.Line($"Memory.WriteIf<TBlock, {element}>({condition}, {name} + ({row}), {value});");
            }
            else
            {
                inner.Line($"ChannelSums.Add<TBlock, TChunk, {places.Count(output.Id)}>({name}, token, {body.Array(output.Id)}, inside);");
            }
        }

        foreach (var (state, next) in io.Carried) Carry(inner, state, body[next.Id]);
    });

    /// <summary>
    /// Walks through the tokens of a chunk: where a thread has little of each, more of them at once, past the last for nothing.
    /// </summary>
    private void EachToken(CodeWriter code, bool forward, Action<CodeWriter> write)
    {
        if (!isNarrow)
        {
            var tokens = forward ? "token = 0; token < rows; token++" : "token = rows - 1; token >= 0; token--";
            code.Block($"for (var {tokens})", () => write(code));
            return;
        }

        var groups = forward
            ? "group = 0; group < rows; group += Channel.Tokens"
            : "group = (rows - 1) / Channel.Tokens * Channel.Tokens; group >= 0; group -= Channel.Tokens";
        code.Block($"for (var {groups})", () =>
            code.Block("for (var i = 0; i < Channel.Tokens; i++)", () =>
            {
                code.Line($"var token = group + {(forward ? "i" : "Channel.Tokens - 1 - i")};").Line("var holds = token < rows;");
                write(code);
            }));
    }

    private void Carry(CodeWriter code, ProgramInput state, string next)
    {
        var own = places.Indexed(io.Local(state), state.Id);
        Each(code, state.Id, $"{own} = {(isNarrow ? $"Numbers.Select(holds, {next}, {own})" : next)};");
    }

    /// <summary>What is left after the last token: what has been carried, and the results per head.</summary>
    private void End(CodeWriter code)
    {
        foreach (var (input, _) in io.Carried)
            Each(code, input.Id, places.WriteState(io.Outgoing(input), input.Id, places.Indexed(io.Local(input), input.Id)));
        foreach (var output in program.Outputs.Where(io.IsPerHead))
            Each(code, output.Id, places.WritePerHead(output, places.Indexed(names[output.Name], output.Id)));
    }

    /// <summary>Begins to fetch the tokens of a chunk.</summary>
    private void Copy(CodeWriter code, string stage, string start)
    {
        foreach (var input in io.Tokens)
        {
            var sizes = $"TBlock, TChunk, {GpuBody.Size(program[input.Id].Shape.Columns)}, {io.Element(input)}";
            var from = $"{io.Tensor(input)}, first, {start}, tokens, head, heads";
            code.Line($"Transfers.CopyTokens<{sizes}>({places.InStage(input, stage)}, {from});");
        }

        code.Line("Transfers.Depart<TBlock>();");
    }

    /// <summary>Declares a number, or an array of them.</summary>
    private void Declare(CodeWriter code, string name, int id, string value)
    {
        if (!places.IsNumber(id)) code.Line($"var {name} = LocalMemory.Allocate1D<float>({places.Count(id)}.Value);");
        Each(code, id, places.IsNumber(id) ? $"var {name} = {value};" : $"{name}[n] = {value};");
    }

    private void Each(CodeWriter code, int id, params string[] lines) => ChannelBody.ForEach(code, places.Extent(id), lines);
}
