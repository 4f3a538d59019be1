using Fla.Dsl.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Dsl.Testing;

/// <summary>What to check an operator on.</summary>
public sealed record ConformanceCase
{
    /// <summary>The batch B; with <see cref="SequenceLengths"/> it is 1.</summary>
    public int Batch { get; init; } = 2;

    /// <summary>The tokens T; with <see cref="SequenceLengths"/> it is their sum.</summary>
    public int Tokens { get; init; } = 75;

    /// <summary>The heads H, of operators that have them.</summary>
    public int Heads { get; init; } = 2;

    /// <summary>The sizes of the declaration's dimensions by name; 16 where left out.</summary>
    public IReadOnlyDictionary<string, int> Sizes { get; init; } = new Dictionary<string, int>();

    /// <summary>The lengths of packed sequences, or null for a batch.</summary>
    public IReadOnlyList<int>? SequenceLengths { get; init; }

    /// <summary>Whether there is a state before the first token.</summary>
    public bool InitialState { get; init; } = true;

    /// <summary>Log-decays are drawn uniformly between this and 0.</summary>
    public double StrongestLogDecay { get; init; } = -1;

    /// <summary>Whether arguments that have the option are divided by their lengths.</summary>
    public bool L2Norm { get; init; }

    /// <summary>The type of the arguments.</summary>
    public ScalarType Type { get; init; } = ScalarType.Float64;

    /// <summary>The seed of what is drawn.</summary>
    public long Seed { get; init; } = 1;
}

/// <summary>How far one way to evaluate an operator is from its declaration.</summary>
/// <param name="Execution">The way.</param>
/// <param name="Errors">
/// The error of the output "o", of each final state "S", and of each gradient "dq", "dS": the root mean square of the difference over
/// that of what is expected, or over 1e-3 where that is less, since what should be 0 has no relative error.
/// </param>
public sealed record ConformanceResult(Execution Execution, IReadOnlyDictionary<string, double> Errors)
{
    /// <summary>The result that is furthest off.</summary>
    public KeyValuePair<string, double> Worst => Errors.MaxBy(error => double.IsNaN(error.Value) ? double.PositiveInfinity : error.Value);
}

/// <summary>
/// Checks that an operator is what it was declared to be: draws arguments, runs the declaration token by token in fp64 with its exact
/// gradients (<see cref="Oracle"/>), and compares what every mode gives: output, final states, and the gradient of every argument and
/// initial state.
/// </summary>
public static class Conformance
{
    /// <summary>Checks every mode the operator has; packed sequences have no step mode.</summary>
    /// <exception cref="ArgumentException">The case does not fit the operator.</exception>
    public static IReadOnlyList<ConformanceResult> Check(RecurrenceOp op, ConformanceCase test) =>
        Check(op, test, [.. Execution.Of(op).Where(execution => test.SequenceLengths is null || execution.Mode is not null)]);

    /// <summary>Checks the given ways to evaluate the operator.</summary>
    /// <exception cref="ArgumentException">The case does not fit the operator.</exception>
    public static IReadOnlyList<ConformanceResult> Check(RecurrenceOp op, ConformanceCase test, IReadOnlyList<Execution> executions)
    {
        using var scope = torch.NewDisposeScope();
        var draws = new Draws(op, test);
        var expected = Oracle.Differentiate(op.Declaration, draws.ArgumentsByName, draws.OutputGradient, draws.ByState(draws.StateGradients),
            test.InitialState ? draws.ByState(draws.States) : null, scale: null, draws.CuSeqlens, test.L2Norm);
        return [.. executions.Select(execution => Compare(op, test, draws, expected, execution))];
    }

    private static ConformanceResult Compare(RecurrenceOp op, ConformanceCase test, Draws draws, OracleGradients expected, Execution execution)
    {
        using var scope = torch.NewDisposeScope();
        Tensor Leaf(Tensor drawn) => drawn.clone().detach().requires_grad_();
        var arguments = draws.Arguments.Select(Leaf).ToArray();
        var states = test.InitialState ? draws.States.Select(Leaf).ToArray() : null;
        var (output, final) = draws.CuSeqlens is { } packed && execution.Mode is { } mode
            ? op.Run(mode, arguments, initialState: states, outputFinalState: true, cuSeqlens: packed, l2Norm: test.L2Norm) is var (o, s) ? (o, s!) : default
            : execution.Run(op, arguments, states, scale: null, test.L2Norm);

        Tensor Term(Tensor result, Tensor gradient) => (result.to(ScalarType.Float64) * gradient.to(ScalarType.Float64)).sum();
        var loss = final.Zip(draws.StateGradients, Term).Aggregate(Term(output, draws.OutputGradient), (a, b) => a + b);
        loss.backward();

        var errors = new Dictionary<string, double> { ["o"] = Error(output, expected.Result.Output) };
        for (var i = 0; i < op.States.Count; i++)
        {
            var name = op.States[i].Name;
            errors.Add(name, op.States[i].IsLogSpace
                ? LogarithmError(final[i], expected.Result.FinalStates[name])
                : Error(final[i], expected.Result.FinalStates[name]));
            if (states is not null) errors.Add($"d{name}", Gradient(states[i], expected.InitialStates[name]));
        }

        for (var i = 0; i < arguments.Length; i++)
            errors.Add($"d{draws.Names[i]}", Gradient(arguments[i], expected.Arguments[draws.Names[i]]));
        return new ConformanceResult(execution, errors);
    }

    private static double Gradient(Tensor leaf, Tensor expected) => leaf.grad is { } gradient ? Error(gradient, expected) : double.PositiveInfinity;

    /// <summary>Of a sequence without a token the logarithms are those of nothing, which must be nothing on both sides.</summary>
    private static double LogarithmError(Tensor actual, Tensor expected)
    {
        var nothing = expected.isneginf();
        return actual.isneginf().eq(nothing).all().item<bool>() ? Error(actual.masked_fill(nothing, 0), expected.masked_fill(nothing, 0)) : double.PositiveInfinity;
    }

    private static double Error(Tensor actual, Tensor expected) => RelativeError.Rms(actual, expected, floor: 1e-3);

    /// <summary>Arguments that keep a recurrence tame: vectors of about unit length, scalars and per-head values between 0 and 1.</summary>
    private sealed class Draws
    {
        private readonly RecurrenceOp op;
        private readonly ConformanceCase test;
        private readonly Generator random;

        public Draws(RecurrenceOp op, ConformanceCase test)
        {
            (this.op, this.test) = (op, test);
            random = new Generator((ulong)test.Seed);
            long[] lengths = test.SequenceLengths is { } packed ? [.. packed.Select(length => (long)length)] : [];
            CuSeqlens = lengths.Length > 0 ? torch.tensor(lengths.Aggregate(new List<long> { 0 }, (ends, length) => [.. ends, ends[^1] + length]).ToArray()) : null;
            long batch = lengths.Length > 0 ? 1 : test.Batch, tokens = lengths.Length > 0 ? lengths.Sum() : test.Tokens, sequences = lengths.Length > 0 ? lengths.Length : batch;

            var declared = op.Arguments.Where(argument => argument.Role != ArgumentRole.Scale).ToArray();
            Names = [.. declared.Select(argument => argument.Name)];
            Arguments = [.. declared.Select(argument => Draw(argument, [.. argument.Role == ArgumentRole.PerHead ? (long[])[] : [batch, tokens], .. Heads, .. Dims(argument.Dimensions)]))];
            States = [.. op.States.Select(state => Normal([sequences, .. Heads, .. Dims(state.Dimensions)]).to(StateType))];
            StateGradients = [.. States.Select(state => Normal(state.shape))];
            OutputGradient = Normal([batch, tokens, .. Heads, .. Dims(op.OutputDimensions)]);
        }

        public string[] Names { get; }

        public Tensor[] Arguments { get; }

        public Tensor[] States { get; }

        public Tensor[] StateGradients { get; }

        public Tensor OutputGradient { get; }

        public Tensor? CuSeqlens { get; }

        public IReadOnlyDictionary<string, Tensor> ArgumentsByName => Names.Zip(Arguments).ToDictionary(pair => pair.First, pair => pair.Second);

        private long[] Heads => op.HasHeads ? [test.Heads] : [];

        private ScalarType StateType => test.Type == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;

        public IReadOnlyDictionary<string, Tensor> ByState(Tensor[] tensors) => op.States.Zip(tensors).ToDictionary(pair => pair.First.Name, pair => pair.Second);

        private long[] Dims(IReadOnlyList<string> names) => [.. names.Select(Size)];

        private long Size(string name) => FeatureMaps.SizeOf(name, of => Size(of)) ?? (test.Sizes.TryGetValue(name, out var size) ? size : 16);

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
}
