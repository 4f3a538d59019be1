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
        var expected = Expected(op, test, draws);
        return [.. executions.Select(execution => Compare(op, test, draws, expected, execution))];
    }

    /// <summary>
    /// How far the declaration's own results are from each other where every argument and state is off by one unit in its last place:
    /// no operator can be closer to them than that, and a small multiple of it says nothing about one.
    /// </summary>
    /// <returns>By the names of <see cref="ConformanceResult.Errors"/>, and measured as those are.</returns>
    /// <exception cref="ArgumentException">The case does not fit the operator.</exception>
    public static IReadOnlyDictionary<string, double> Unavoidable(RecurrenceOp op, ConformanceCase test)
    {
        using var scope = torch.NewDisposeScope();
        var draws = new Draws(op, test);
        var (exact, moved) = (Expected(op, test, draws), Expected(op, test, draws.Moved()));
        return Errors(op, test, moved, exact);
    }

    private static OracleGradients Expected(RecurrenceOp op, ConformanceCase test, Draws draws) => Oracle.Differentiate(
        op.Declaration, draws.ArgumentsByName, draws.OutputGradient, draws.ByState(draws.StateGradients),
        test.InitialState ? draws.ByState(draws.States) : null, scale: null, draws.CuSeqlens, test.L2Norm);

    private static ConformanceResult Compare(
        RecurrenceOp op, ConformanceCase test, Draws draws, OracleGradients expected, Execution execution)
    {
        using var scope = torch.NewDisposeScope();
        Tensor Leaf(Tensor drawn) => drawn.clone().detach().requires_grad_();
        var arguments = draws.Arguments.Select(Leaf).ToArray();
        var states = test.InitialState ? draws.States.Select(Leaf).ToArray() : null;
        var (output, final) = draws.CuSeqlens is { } packed && execution.Mode is { } mode
            ? Packed(op.Run(mode, arguments, initialState: states, outputFinalState: true, cuSeqlens: packed, l2Norm: test.L2Norm))
            : execution.Run(op, arguments, states, scale: null, test.L2Norm);

        Tensor Term(Tensor result, Tensor gradient) => (result.to(ScalarType.Float64) * gradient.to(ScalarType.Float64)).sum();
        var loss = final.Zip(draws.StateGradients, Term).Aggregate(Term(output, draws.OutputGradient), (a, b) => a + b);
        loss.backward();

        var actual = new OracleGradients(
            new OracleResult(output, draws.ByState(final)),
            Gradients(draws.Names.Zip(arguments)),
            Gradients(op.States.Select(state => state.Name).Zip(states ?? [])));
        return new ConformanceResult(execution, Errors(op, test, actual, expected));

        static (Tensor Output, Tensor[] States) Packed((Tensor Output, Tensor[]? FinalState) result) => (result.Output, result.FinalState!);

        static Dictionary<string, Tensor> Gradients(IEnumerable<(string Name, Tensor Leaf)> leaves) =>
            leaves.Where(item => item.Leaf.grad is not null).ToDictionary(item => item.Name, item => item.Leaf.grad!);
    }

    private static Dictionary<string, double> Errors(
        RecurrenceOp op, ConformanceCase test, OracleGradients actual, OracleGradients expected)
    {
        // No gradient where one was expected is as wrong as can be.
        static double Gradient(IReadOnlyDictionary<string, Tensor> gradients, string name, Tensor expected) =>
            gradients.TryGetValue(name, out var gradient) ? Error(gradient, expected) : double.PositiveInfinity;

        var errors = new Dictionary<string, double> { ["o"] = Error(actual.Result.Output, expected.Result.Output) };
        foreach (var state in op.States)
        {
            var (final, expectedFinal) = (actual.Result.FinalStates[state.Name], expected.Result.FinalStates[state.Name]);
            errors.Add(state.Name, state.IsLogSpace ? LogarithmError(final, expectedFinal) : Error(final, expectedFinal));
            if (test.InitialState)
                errors.Add($"d{state.Name}", Gradient(actual.InitialStates, state.Name, expected.InitialStates[state.Name]));
        }

        foreach (var (name, gradient) in expected.Arguments) errors.Add($"d{name}", Gradient(actual.Arguments, name, gradient));
        return errors;
    }

    /// <summary>Of a sequence without a token the logarithms are those of nothing, which must be nothing on both sides.</summary>
    private static double LogarithmError(Tensor actual, Tensor expected)
    {
        var nothing = expected.isneginf();
        return actual.isneginf().eq(nothing).all().item<bool>()
            ? Error(actual.masked_fill(nothing, 0), expected.masked_fill(nothing, 0))
            : double.PositiveInfinity;
    }

    private static double Error(Tensor actual, Tensor expected) => RelativeError.Rms(actual, expected, floor: 1e-3);
}
