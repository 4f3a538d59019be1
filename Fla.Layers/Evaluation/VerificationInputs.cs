using Fla.Dsl;
using static TorchSharp.torch;

namespace Fla.Layers.Evaluation;

/// <summary>The figures' inputs as differentiable tensors where an op wants them, and its evaluation on them.</summary>
internal sealed class VerificationInputs
{
    private readonly RecurrenceOp op;
    private readonly FigureBinding binding;
    private readonly double? scale;
    private readonly long time;
    private readonly Dictionary<string, Tensor> leaves = [];
    private readonly Argument[] arguments;
    private readonly Tensor?[] values;
    private readonly Tensor?[] initial;

    public VerificationInputs(RecurrenceOp op, OpFigures figures, FigureBinding binding, ScalarType type, Device device)
    {
        this.op = op;
        this.binding = binding;
        // Where a normalisation cancels the scale an op declares none, and takes none.
        scale = op.Arguments.Any(argument => argument.Role == ArgumentRole.Scale) ? figures.Scale : null;
        time = figures.Output.shape[1];
        arguments = [.. op.Arguments.Where(argument => argument.Role != ArgumentRole.Scale)];

        var wide = type == ScalarType.Float64 ? type : ScalarType.Float32;
        Tensor? Leaf(BoundInput? bound, ScalarType leafType)
        {
            if (bound is null) return null;
            var leaf = figures.Inputs[bound.Name].to(leafType, device, copy: true).detach().requires_grad_();
            leaves.Add(bound.Name, leaf);
            return Turned(leaf, bound.Transposed);
        }

        values = [.. arguments.Zip(binding.Arguments, (argument, bound) => Leaf(bound, argument.Role == ArgumentRole.Token ? type : wide))];
        initial = [.. binding.InitialStates.Select(bound => Leaf(bound, wide))];
    }

    /// <summary>The output, and the final states that the figures have, in their order and layout.</summary>
    public (Tensor Output, Tensor[] States) Evaluate(Execution execution)
    {
        var (output, states) = execution.Mode is { } mode ? InMode(mode) : TokenByToken();
        return (output, [.. binding.FinalStates.Select(bound => Turned(states[bound.State], bound.Transposed))]);
    }

    /// <summary>The gradient of an input after the backward pass; null where none came.</summary>
    public Tensor? GradientOf(string name) => leaves[name].grad;

    private static Tensor Turned(Tensor x, bool transposed) => transposed ? x.transpose(-1, -2) : x;

    private (Tensor Output, Tensor[] States) InMode(Mode mode)
    {
        var (output, states) = op.Run(mode, values, scale, initial, outputFinalState: true);
        return (output, states ?? throw new InvalidOperationException($"{op.Name} gave no final state in {mode} mode though asked to"));
    }

    private (Tensor Output, Tensor[] States) TokenByToken()
    {
        var outputs = new List<Tensor>();
        IReadOnlyList<Tensor?> state = initial;
        for (var t = 0L; t < time; t++)
        {
            var token = arguments.Zip(values, (argument, x) => argument.Role == ArgumentRole.PerHead ? x : x?.select(1, t)).ToArray();
            (var output, state) = op.Step(token, state, scale);
            outputs.Add(output);
        }

        return (stack(outputs, dim: 1), [.. state.Select(s => s!)]);
    }
}
