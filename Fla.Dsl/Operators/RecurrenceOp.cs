using Fla.Dsl.Autograd;
using Fla.Dsl.Runtime;
using Fla.Dsl.Runtime.Gpu;
using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Dsl;

/// <summary>A compiled recurrence: its signature, and its evaluation in every mode. The generator makes one for each declaration.</summary>
public sealed class RecurrenceOp
{
    /// <summary>The name of the declaring class.</summary>
    public required string Name { get; init; }

    /// <summary>The declaring class, whose <c>Step</c> method is the reference.</summary>
    public required Type Declaration { get; init; }

    /// <summary>What the compiler found it to be, for example "decay: vector (K); write: external; read: after the write".</summary>
    public required string Class { get; init; }

    /// <summary>Whether tensors have a head axis: <c>[B, T, H, dim]</c>, or <c>[B, T, dim]</c> without.</summary>
    public required bool HasHeads { get; init; }

    /// <summary>The arguments in declaration order, the scale among them.</summary>
    public required IReadOnlyList<Argument> Arguments { get; init; }

    /// <summary>The states in declaration order.</summary>
    public required IReadOnlyList<StateVariable> States { get; init; }

    /// <summary>The dimensions of the output: one for a vector, none for a scalar.</summary>
    public required IReadOnlyList<string> OutputDimensions { get; init; }

    /// <summary>The modes that exist for it.</summary>
    public required IReadOnlyList<Mode> Modes { get; init; }

    /// <summary>The program whose rows are chunks; null for a recurrence without a chunk form.</summary>
    public TorchProgram? ChunkProgram { get; init; }

    /// <summary>The program whose rows are single tokens.</summary>
    public required TorchProgram TokenProgram { get; init; }

    /// <summary>Its kernels; null for a recurrence that none were written for.</summary>
    public GpuProgram? Gpu { get; init; }

    /// <summary>What the compiler wrote for it, to be read: file name to text.</summary>
    public IReadOnlyDictionary<string, string> GeneratedSources { get; init; } = new Dictionary<string, string>();

    /// <summary>Evaluates the recurrence over whole sequences. Differentiable once in every argument and in the initial states.</summary>
    /// <param name="mode">How to evaluate it, one of <see cref="Modes"/>.</param>
    /// <param name="arguments">
    /// Every declared argument but the scale, in declaration order: <c>[B, T, H, dim]</c>, <c>[B, T, H]</c> for a scalar, without
    /// the T axis for a per-head argument, without the H axis where <see cref="HasHeads"/> is false. Any float dtype. An argument may
    /// have fewer heads than the largest: head h of H reads its head h / (H / Ha). Null only for a per-head argument with a default.
    /// </param>
    /// <param name="scale">The scale; by default one over the square root of the first argument's dimension.</param>
    /// <param name="initialState">A state per declared one, <c>[N, H, R, C]</c> or <c>[N, H, D]</c>; null is zero.</param>
    /// <param name="outputFinalState">Whether to give the states after the last token.</param>
    /// <param name="cuSeqlens">
    /// For N sequences packed along T into a batch of one: an int64 or int32 tensor of the N + 1 offsets at which they begin, from 0
    /// to T, which are read back to the host. Without it every batch entry is a sequence and N = B.
    /// </param>
    /// <param name="l2Norm">
    /// Whether to divide the arguments with <see cref="Argument.HasL2NormOption"/> by their lengths first, <c>sqrt(sum(x^2) + 1e-6)</c>.
    /// </param>
    /// <returns>
    /// The outputs, <c>[B, T, H, dim]</c> in the dtype of the first argument, and the final states (null unless asked for), in fp64
    /// where an argument is fp64 and in fp32 otherwise: the precision that the recurrence is computed in.
    /// </returns>
    /// <exception cref="ArgumentException">An input does not fit; the message names it, what was expected and what came.</exception>
    public (Tensor o, Tensor[]? finalState) Run(
        Mode mode,
        IReadOnlyList<Tensor?> arguments,
        double? scale = null,
        IReadOnlyList<Tensor?>? initialState = null,
        bool outputFinalState = false,
        Tensor? cuSeqlens = null,
        bool l2Norm = false)
    {
        var call = Binding.Bind(this, mode, arguments, scale, initialState, outputFinalState, cuSeqlens, l2Norm);
        var (output, final) = Evaluate(call, arguments, initialState, l2Norm);
        return (output, outputFinalState ? final : null);
    }

    /// <summary>Evaluates the recurrence for one more token, as decoding does. Differentiable as <see cref="Run"/> is.</summary>
    /// <param name="arguments">As for <see cref="Run"/> without the T axis: <c>[B, H, dim]</c>, or <c>[B, H]</c> for a scalar.</param>
    /// <param name="state">The states before the token, <c>[B, H, R, C]</c> or <c>[B, H, D]</c>; null is zero.</param>
    /// <param name="scale">The scale; by default one over the square root of the first argument's dimension.</param>
    /// <param name="l2Norm">As for <see cref="Run"/>.</param>
    /// <returns>The output, <c>[B, H, dim]</c>, and the states after the token.</returns>
    /// <exception cref="ArgumentException">An input does not fit; the message names it, what was expected and what came.</exception>
    public (Tensor o, Tensor[] state) Step(
        IReadOnlyList<Tensor?> arguments, IReadOnlyList<Tensor?>? state = null, double? scale = null, bool l2Norm = false) =>
        Evaluate(Binding.Bind(this, null, arguments, scale, state, outputFinalState: true, cuSeqlens: null, l2Norm), arguments, state, l2Norm);

    private (Tensor Output, Tensor[] Final) Evaluate(
        RecurrenceCall call, IReadOnlyList<Tensor?> arguments, IReadOnlyList<Tensor?>? initialState, bool l2Norm)
    {
        if (l2Norm)
        {
            using var scope = torch.NewDisposeScope();
            var declared = Arguments.Where(argument => argument.Role != ArgumentRole.Scale);
            Tensor?[] normed = [.. declared.Zip(arguments, (argument, tensor) => argument.HasL2NormOption ? UnitLength.Of(tensor!, call.Compute) : tensor)];
            var (o, states) = Evaluate(call, normed, initialState, l2Norm: false);
            scope.MoveToOuter([o, .. states]);
            return (o, states);
        }

        var initial = initialState ?? new Tensor?[States.Count];
        bool[] wanted = [.. arguments.Concat(initial).Select(tensor => torch.is_grad_enabled() && tensor is { requires_grad: true })];
        var evaluator = Evaluator.For(call, wanted);
        if (wanted.Contains(true)) return RecurrenceFunction.Apply(evaluator, arguments, initial);

        var (output, final, _) = evaluator.Forward(arguments, initial, keep: false);
        return (output, final);
    }
}
