using Fla.Dsl.Generator.Lowering;
using Fla.Dsl.Generator.Model;

namespace Fla.Dsl.Generator.Emit.Gpu.Channels;

/// <summary>Where a thread has the values of its channel, as C#: in registers, in shared memory and in the tensors.</summary>
internal sealed class ChannelPlaces(GpuInterface io)
{
    public const string Single = "SingleElement";

    private readonly TileProgram program = io.Kernel.Program;

    public string Channel { get; } = io.Split!;

    public bool HasChannel(int id) => ChannelPrograms.HasChannel(program[id].Shape, Channel);

    /// <summary>The dimension along which a thread has numbers of a value, or 1.</summary>
    public string Extent(int id) => ChannelPrograms.Extent(program[id].Shape, Channel);

    public bool IsNumber(int id) => Extent(id) == Dim.One;

    /// <summary>A number, or that at <c>n</c> of an array.</summary>
    public string Indexed(string name, int id) => IsNumber(id) ? name : $"{name}[n]";

    /// <summary>How many numbers of a value there are, as a type.</summary>
    public string Count(int id) => IsNumber(id) ? "Size1" : GpuBody.Size(Extent(id));

    /// <summary>A tensor of tokens in shared memory.</summary>
    public string SharedOf(ProgramInput input) => $"Shared<TChunk, {GpuBody.Size(program[input.Id].Shape.Columns)}, {io.Element(input)}>";

    /// <summary>Where in a stage what comes per token is.</summary>
    public string InStage(ProgramInput input, string stage)
    {
        var before = io.Tokens.TakeWhile(other => other != input).Select(other => $" + {SharedOf(other)}.Bytes");
        return $"shared + {stage}{string.Concat(before)}";
    }

    /// <summary>The state of a past token in shared memory.</summary>
    public string Past(string history, int state) =>
        $"Channel.History<T{Channel}, {Count(state)}>({history}, token, {(IsNumber(state) ? "0" : "n")})";

    /// <summary>Reads what is per head.</summary>
    public string PerHead(ProgramInput input)
    {
        var place = $"{io.Tensor(input)}.Row<{Single}>(0, head, heads) + (4L * ({At(input.Id)}))";
        return $"Memory.ReadIf<TBlock, {Single}>({(HasChannel(input.Id) ? "inside" : "true")}, {place})";
    }

    /// <summary>Writes the gradient of what is per head.</summary>
    public string WritePerHead(ProgramOutput output, string value)
    {
        var tensor = io.Tensor(output);
        var place = $"{tensor}.Row<{Single}>(sequence, (split * heads) + head, splits * heads) + (4L * ({At(output.Id)}))";
        return $"Memory.WriteIf<TBlock, {Single}>(inside & {tensor}.Address != 0, {place}, {value});";
    }

    /// <summary>Reads a state of the sequence.</summary>
    public string State(string tensor, int id) =>
        $"Channel.ReadState<TBlock, {Single}>({tensor}, sequence, head, heads, {Elements(id)}, {At(id)}, inside)";

    /// <summary>Writes a state of the sequence.</summary>
    public string WriteState(string tensor, int id, string value) =>
        $"Channel.WriteState<TBlock, {Single}>({tensor}, sequence, head, heads, {Elements(id)}, {At(id)}, inside, {value});";

    /// <summary>Reads the state that was kept of a chunk.</summary>
    public string Kept(ProgramInput state, string start) =>
        $"Channel.ReadState<TBlock, {KeptElement(state.Id)}>({KeptPlace(io.Tensor(state), state, start)}, inside & {start} >= 0)";

    /// <summary>Keeps a state that is carried into a chunk.</summary>
    public string Keep(ProgramInput state, string value) =>
        $"Channel.WriteState<TBlock, {KeptElement(state.Id)}>({KeptPlace(io.KeptTensor(state.Name), state, "start")}, inside, {value});";

    private string KeptPlace(string tensor, ProgramInput state, string start) =>
        $"{tensor}, firstRow + ({start} / TChunk.Value), head, heads, {Elements(state.Id)}, {KeptAt(state.Id)}";

    private string At(int id) => !HasChannel(id) ? IsNumber(id) ? "0" : "n"
        : program[id].Shape is var shape && shape.Rows == Channel && !IsNumber(id) ? $"(channel * T{shape.Columns}.Value) + n"
        : KeptAt(id);

    /// <summary>Kept states lie as is best for a block: a number of all channels side by side.</summary>
    private string KeptAt(int id) => IsNumber(id) ? "channel" : "(n * channels) + channel";

    private string Elements(int id) => IsNumber(id) ? "channels" : $"channels * T{Extent(id)}.Value";

    /// <summary>What is kept of a single number is as it was.</summary>
    private string KeptElement(int id) => IsNumber(id) ? Single : "TElement";
}
