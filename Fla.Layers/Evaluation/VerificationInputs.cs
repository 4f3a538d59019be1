using Fla.Dsl;
using Fla.Dsl.Testing;
using static TorchSharp.torch;

namespace Fla.Layers.Evaluation;

/// <summary>The figures' inputs as differentiable tensors where an op wants them, and its evaluation on them.</summary>
internal sealed class VerificationInputs
{
    private readonly RecurrenceOp op;
    private readonly FigureBinding binding;
    private readonly double? scale;
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
        arguments = [.. op.Arguments.Where(argument => argument.Role != ArgumentRole.Scale)];

        var wide = type == ScalarType.Float64 ? type : ScalarType.Float32;
        Tensor? Leaf(BoundInput? bound, ScalarType leafType)
        {
            if (bound is null) return null;
            var leaf = figures.Inputs[bound.Name].to(leafType, device, copy: true).detach().requires_grad_();
            leaves.Add(bound.Name, leaf);
            return Turned(leaf, bound.Transposed);
        }

        values = [.. arguments.Zip(binding.Arguments, (argument, bound) => Leaf(bound, argument is { Role: ArgumentRole.Token, IsLogDecay: false } ? type : wide))];
        initial = [.. binding.InitialStates.Select(bound => Leaf(bound, wide))];
    }

    /// <summary>The output, and the final states that the figures have, in their order and layout.</summary>
    public (Tensor Output, Tensor[] States) Evaluate(Execution execution)
    {
        var (output, states) = execution.Run(op, values, initial, scale);
        return (output, [.. binding.FinalStates.Select(bound => Turned(states[bound.State], bound.Transposed))]);
    }

    /// <summary>The gradient of an input after the backward pass; null where none came.</summary>
    public Tensor? GradientOf(string name) => leaves[name].grad;

    private static Tensor Turned(Tensor x, bool transposed) => transposed ? x.transpose(-1, -2) : x;
}
