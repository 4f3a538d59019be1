using Fla.Dsl;
using static TorchSharp.torch;

namespace Fla.Layers.Evaluation;

/// <summary>How fast an op is on a shape.</summary>
/// <param name="Op">The op.</param>
/// <param name="Shape">The shape.</param>
/// <param name="Forward">The forward pass, where no gradient is wanted.</param>
/// <param name="Both">Forward and backward pass.</param>
public sealed record OpTiming(RecurrenceOp Op, OpShape Shape, PassTiming Forward, PassTiming Both);

/// <summary>The time of a pass, beside what no implementation can do without.</summary>
/// <param name="Seconds">The median time.</param>
/// <param name="Bytes">What is to be moved: every argument, output and gradient once.</param>
/// <param name="Flops">What is to be computed: a multiplication and an addition for each write to and read of an element of a state.</param>
public sealed record PassTiming(double Seconds, double Bytes, double Flops);

/// <summary>Times ops: arguments like those of models, gradients that add up in them, in the way in which FLA's benchmarks do.</summary>
public static class OpBenchmark
{
    // A write to and a read of a state; in the backward pass of it and of its gradient, where the state itself is written again.
    private const int ForwardUses = 2, BackwardUses = 5;

    /// <summary>Times an op.</summary>
    /// <param name="op">The op.</param>
    /// <param name="shape">The shape.</param>
    /// <param name="mode">How to evaluate it.</param>
    /// <param name="type">The type of per-token arguments; those per head are fp32.</param>
    /// <param name="device">Where to run.</param>
    /// <exception cref="ArgumentException">The op has no such mode.</exception>
    public static OpTiming Run(RecurrenceOp op, OpShape shape, Mode mode, ScalarType type, Device device)
    {
        ArgumentNullException.ThrowIfNull(op);
        ArgumentNullException.ThrowIfNull(shape);
        using var scope = NewDisposeScope();
        var declared = op.Arguments.Where(argument => argument.Role != ArgumentRole.Scale).ToArray();
        Tensor?[] arguments = [.. declared.Select(argument => argument.Default is null ? Drawn(op, argument, shape, type, device) : null)];
        Tensor Output() => op.Run(mode, arguments).o;
        Tensor gradient;
        using (no_grad()) gradient = randn_like(Output());

        double forward;
        using (no_grad()) forward = Timing.Median(device, () => Output());
        var both = Timing.Median(device, () => Output().backward([gradient]));

        long Bytes(IEnumerable<Tensor?> tensors) => tensors.Sum(tensor => tensor is null ? 0 : tensor.numel() * tensor.element_size());
        var (inputs, output) = (Bytes(arguments), Bytes([gradient]));
        double use = 2.0 * shape.Batch * shape.Tokens * (op.HasHeads ? shape.Heads : 1) * op.States.Sum(state => Elements(state.Dimensions));
        return new OpTiming(
            op,
            shape,
            new(forward, inputs + output, ForwardUses * use),
            new(both, inputs + output + inputs + output + inputs, (ForwardUses + BackwardUses) * use));

        double Elements(IEnumerable<string> dimensions) => dimensions.Aggregate(1.0, (product, name) => product * shape.SizeOf(name));
    }

    // Vectors of about unit length, decays from e^-5 to 1 of which most are near one half, scalars between 0 and 1.
    private static Tensor Drawn(RecurrenceOp op, Argument argument, OpShape shape, ScalarType type, Device device)
    {
        var normal = randn(shape.Of(op, argument), type, device);
        var drawn = argument.IsLogDecay ? nn.functional.logsigmoid(normal).clamp_min(-5)
            : argument.Role == ArgumentRole.PerHead || argument.Dimensions.Count == 0 ? normal.sigmoid()
            : normal.div(Math.Sqrt(shape.SizeOf(argument.Dimensions[^1])));
        return (argument.Role == ArgumentRole.PerHead ? drawn.to(ScalarType.Float32) : drawn).detach().requires_grad_();
    }
}
