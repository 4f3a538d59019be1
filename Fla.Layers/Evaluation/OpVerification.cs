using Fla.Dsl;
using Fla.Dsl.Testing;
using static TorchSharp.torch;

namespace Fla.Layers.Evaluation;

/// <summary>How far an op's results are from the figures, each as a <see cref="RelativeError"/>.</summary>
/// <param name="Output">The output's error.</param>
/// <param name="States">The worst of the final states' errors; null where the figures have none.</param>
/// <param name="WorstGradient">The gradient that is furthest off, by name; null where the figures have none.</param>
public sealed record OpErrors(double Output, double? States, (string Name, double Error)? WorstGradient)
{
    /// <summary>Whether every error is at most this.</summary>
    public bool Within(double tolerance) =>
        Output <= tolerance && (States ?? 0) <= tolerance && (WorstGradient?.Error ?? 0) <= tolerance;
}

/// <summary>Compares an op with figures of a reference implementation: output, final states and every gradient.</summary>
public static class OpVerification
{
    /// <summary>
    /// The error ratio up to which a result passes: 1e-4 for fp32 and fp64, whose figures are fp32's, and 5e-3 for bf16 and fp16,
    /// whose inputs alone are rounded by up to 2e-3.
    /// </summary>
    public static double ToleranceOf(ScalarType type) => type is ScalarType.BFloat16 or ScalarType.Float16 ? 5e-3 : 1e-4;

    /// <summary>Runs an op on the figures' inputs and compares what it gives.</summary>
    /// <param name="op">The op.</param>
    /// <param name="figures">The figures.</param>
    /// <param name="execution">How to evaluate it.</param>
    /// <param name="type">
    /// The type of per-token arguments. At half precision log decays, per-head arguments and states stay fp32, as layers keep them.
    /// </param>
    /// <param name="device">Where to run.</param>
    /// <exception cref="InvalidDataException">The figures do not fit the op.</exception>
    /// <exception cref="ArgumentException">The op has no such mode.</exception>
    public static OpErrors Run(RecurrenceOp op, OpFigures figures, Execution execution, ScalarType type, Device device)
    {
        if (!execution.ExistsFor(op))
        {
            throw new ArgumentException(
                $"expected one of {op.Name}'s modes ({string.Join(", ", op.Modes)}), came {execution}", nameof(execution));
        }

        using var scope = NewDisposeScope();
        var binding = FigureBinding.Of(op, figures);
        var inputs = new VerificationInputs(op, figures, binding, type, device);
        var (output, states) = inputs.Evaluate(execution);

        CheckShape("output", output, figures.Output);
        for (var i = 0; i < states.Length; i++) CheckShape($"state {i}", states[i], figures.States[i]);
        if (figures.Gradients.Count > 0) Loss(output, states, figures, device).backward();
        return new OpErrors(RelativeError.Rms(output, figures.Output), WorstState(states, figures), WorstGradient(inputs, figures));
    }

    private static void CheckShape(string what, Tensor actual, Tensor expected)
    {
        if (!actual.shape.SequenceEqual(expected.shape))
            throw new InvalidDataException($"expected the {what} to be {Shapes.Text(expected.shape)}, came {Shapes.Text(actual.shape)}");
    }

    private static Tensor Loss(Tensor output, Tensor[] states, OpFigures figures, Device device)
    {
        // In fp64, so that the loss adds no error of its own whatever the op's type.
        Tensor Term(Tensor result, Tensor gradient) => (result.to(ScalarType.Float64) * gradient.to(ScalarType.Float64, device)).sum();

        var terms = states.Zip(figures.StateGradients)
            .Append((output, figures.OutputGradient))
            .Where(pair => pair.Item2 is not null)
            .Select(pair => Term(pair.Item1, pair.Item2!));
        return terms.Aggregate((a, b) => a + b);
    }

    private static double? WorstState(Tensor[] states, OpFigures figures) =>
        states.Length == 0 ? null : states.Zip(figures.States, (state, expected) => RelativeError.Rms(state, expected)).Max();

    private static (string Name, double Error)? WorstGradient(VerificationInputs inputs, OpFigures figures)
    {
        (string Name, double Error)? worst = null;
        foreach (var (name, expected) in figures.Gradients)
        {
            // No gradient where one was expected is as wrong as can be.
            var error = inputs.GradientOf(name) is { } gradient ? RelativeError.Rms(gradient, expected) : double.PositiveInfinity;
            if (worst is not { } before || error > before.Error) worst = (name, error);
        }

        return worst;
    }
}
