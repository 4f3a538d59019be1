using Fla.Dsl.Runtime;

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

    /// <summary>The program whose rows are chunks.</summary>
    public required TorchProgram ChunkProgram { get; init; }

    /// <summary>The program whose rows are single tokens.</summary>
    public required TorchProgram TokenProgram { get; init; }
}
