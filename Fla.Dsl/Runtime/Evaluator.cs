using Fla.Dsl.Runtime.Launch;
using static TorchSharp.torch;

namespace Fla.Dsl.Runtime;

/// <summary>A way to evaluate a checked call, and to differentiate it.</summary>
internal abstract class Evaluator(RecurrenceCall call)
{
    public RecurrenceCall Call { get; } = call;

    /// <summary>Kernels where there are some for the call, TorchSharp's operations otherwise.</summary>
    /// <param name="call">The call.</param>
    /// <param name="wanted">
    /// Which gradients <see cref="Backward"/> will be asked for, of the arguments and then of the initial states; it is not called where
    /// none is.
    /// </param>
    /// <exception cref="ArgumentException">The backend that was asked for has nothing that runs where the tensors lie.</exception>
    public static Evaluator For(RecurrenceCall call, IReadOnlyList<bool> wanted) =>
        GpuEvaluator.For(call, wanted) ?? (Evaluator)new TorchEvaluator(call);

    /// <summary>Evaluates the recurrence.</summary>
    /// <returns>
    /// The outputs, the final states if wanted, and what <see cref="Backward"/> needs besides the arguments if asked to keep it.
    /// </returns>
    public abstract (Tensor Output, Tensor[] Final, Tensor[] Kept) Forward(
        IReadOnlyList<Tensor?> arguments, IReadOnlyList<Tensor?> initial, bool keep);

    /// <summary>Evaluates the gradients of the arguments, then of the initial states: each if wanted, else null.</summary>
    /// <param name="arguments">The arguments of the forward pass.</param>
    /// <param name="kept">What the forward pass kept.</param>
    /// <param name="output">The gradient of the outputs; null for zero.</param>
    /// <param name="final">The gradients of the final states; null for zero.</param>
    /// <param name="wanted">Which gradients are wanted, of the arguments and then of the initial states.</param>
    public abstract Tensor?[] Backward(
        IReadOnlyList<Tensor?> arguments,
        Tensor[] kept,
        Tensor? output,
        IReadOnlyList<Tensor?> final,
        IReadOnlyList<bool> wanted);
}
