using Fla.Dsl.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Dsl.Testing;

/// <summary>Arguments that keep a recurrence tame: vectors of about unit length, scalars and per-head values between 0 and 1.</summary>
internal sealed class Draws
{
    private readonly RecurrenceOp op;
    private readonly ConformanceCase test;
    private readonly Generator random;

    public Draws(RecurrenceOp op, ConformanceCase test)
    {
        (this.op, this.test) = (op, test);
        random = new Generator((ulong)test.Seed);
        long[] lengths = test.SequenceLengths is { } packed ? [.. packed.Select(length => (long)length)] : [];
        CuSeqlens = lengths.Length > 0
            ? torch.tensor(lengths.Aggregate(new List<long> { 0 }, (ends, length) => [.. ends, ends[^1] + length]).ToArray())
            : null;
        var (batch, tokens, sequences) = lengths.Length > 0
            ? (1L, lengths.Sum(), lengths.Length)
            : (test.Batch, (long)test.Tokens, test.Batch);

        var declared = op.Arguments.Where(argument => argument.Role != ArgumentRole.Scale).ToArray();
        Names = [.. declared.Select(argument => argument.Name)];
        Arguments = [.. declared.Select(argument =>
        {
            long[] leading = argument.Role == ArgumentRole.PerHead ? [] : [batch, tokens];
            return Draw(argument, [.. leading, .. Heads, .. Dims(argument.Dimensions)]);
        })];
        States = [.. op.States.Select(state => Normal([sequences, .. Heads, .. Dims(state.Dimensions)]).to(StateType))];
        StateGradients = [.. States.Select(state => Normal(state.shape))];
        OutputGradient = Normal([batch, tokens, .. Heads, .. Dims(op.OutputDimensions)]);
    }

    private Draws(Draws original, Tensor[] arguments, Tensor[] states)
    {
        (op, test, random) = (original.op, original.test, original.random);
        (Names, CuSeqlens) = (original.Names, original.CuSeqlens);
        (StateGradients, OutputGradient) = (original.StateGradients, original.OutputGradient);
        (Arguments, States) = (arguments, states);
    }

    public string[] Names { get; }

    public Tensor[] Arguments { get; }

    public Tensor[] States { get; }

    public Tensor[] StateGradients { get; }

    public Tensor OutputGradient { get; }

    public Tensor? CuSeqlens { get; }

    public IReadOnlyDictionary<string, Tensor> ArgumentsByName =>
        Names.Zip(Arguments).ToDictionary(pair => pair.First, pair => pair.Second);

    private long[] Heads => op.HasHeads ? [test.Heads] : [];

    private ScalarType StateType => test.Type == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;

    public IReadOnlyDictionary<string, Tensor> ByState(Tensor[] tensors) =>
        op.States.Zip(tensors).ToDictionary(pair => pair.First.Name, pair => pair.Second);

    /// <summary>The same, but every argument and state is off by one unit in its last place, up or down.</summary>
    public Draws Moved()
    {
        Tensor Off(Tensor drawn) => drawn + drawn * Normal(drawn.shape).sign() * torch.finfo(drawn.dtype).eps;
        return new Draws(this, [.. Arguments.Select(Off)], [.. States.Select(Off)]);
    }

    private long[] Dims(IReadOnlyList<string> names) => [.. names.Select(Size)];

    private long Size(string name) =>
        FeatureMaps.SizeOf(name, of => Size(of)) ?? (test.Sizes.TryGetValue(name, out var size) ? size : 16);

    private Tensor Draw(Argument argument, long[] shape)
    {
        var drawn = argument.IsLogDecay ? Uniform(shape) * test.StrongestLogDecay
            : argument.Role == ArgumentRole.PerHead || argument.Dimensions.Count == 0 ? Uniform(shape) * 0.9 + 0.05
            : Normal(shape) / Math.Sqrt(shape[^1]);
        return drawn.to(test.Type);
    }

    private Tensor Normal(long[] shape) => torch.randn(shape, dtype: ScalarType.Float64, generator: random);

    private Tensor Uniform(long[] shape) => torch.rand(shape, dtype: ScalarType.Float64, generator: random);
}
