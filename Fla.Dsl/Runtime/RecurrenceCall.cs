using static TorchSharp.torch;

namespace Fla.Dsl.Runtime;

/// <summary>
/// A call of a recurrence whose inputs are checked, without its tensors: it stays alive until the backward pass, while what the
/// tensors hold is autograd's to keep.
/// </summary>
internal sealed class RecurrenceCall
{
    public required RecurrenceOp Op { get; init; }

    /// <summary>How to evaluate it; null for a single token.</summary>
    public required Mode? Mode { get; init; }

    /// <summary>Where each sequence begins in the flattened <c>[B * T]</c> tokens, and the end of the last.</summary>
    public required long[] Offsets { get; init; }

    /// <summary>B: as many as there are sequences, or 1 when sequences are packed.</summary>
    public required long Batch { get; init; }

    /// <summary>Whether sequences of any lengths are packed along time.</summary>
    public required bool Packed { get; init; }

    public required Device Device { get; init; }

    /// <summary>The dtype of the computation and of states.</summary>
    public required ScalarType Compute { get; init; }

    /// <summary>The largest head count, 1 where there are no heads.</summary>
    public required long Heads { get; init; }

    public required double Scale { get; init; }

    public required bool WantFinal { get; init; }

    /// <summary>The arguments but the scale; null where the declared default is used.</summary>
    public required IReadOnlyList<BoundTensor?> Arguments { get; init; }

    /// <summary>The initial states, given or not. Final states differ in being in <see cref="Compute"/>.</summary>
    public required IReadOnlyList<BoundTensor> States { get; init; }

    public required BoundTensor Output { get; init; }

    /// <summary>The arguments that there are tensors for, in declaration order.</summary>
    public IEnumerable<Argument> DeclaredArguments => Op.Arguments.Where(argument => argument.Role != ArgumentRole.Scale);

    /// <summary>The default of an argument per head, for each of them.</summary>
    public double[] Default(Argument argument) =>
        [.. Enumerable.Range(0, (int)Heads).Select(head => argument.Default!(head, (int)Heads))];
}
