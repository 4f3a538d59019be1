using System.Text.Json;
using Fla.Dsl;

namespace Fla.Layers.Evaluation;

/// <summary>A way to evaluate an op over a sequence: in one of its modes, or token by token as decoding does.</summary>
/// <param name="Mode">The mode, or null for token by token.</param>
public readonly record struct Execution(Mode? Mode)
{
    /// <summary>Token by token, the state handed from each to the next.</summary>
    public static Execution Step => new(null);

    /// <summary>Every way there is.</summary>
    public static IReadOnlyList<Execution> All { get; } = [.. Enum.GetValues<Mode>().Select(mode => new Execution(mode)), Step];

    /// <summary>As the field writes it: <c>chunk</c>, <c>fused_chunk</c>, <c>fused_recurrent</c>, <c>parallel</c>, <c>step</c>.</summary>
    public string Name => Mode is { } mode ? JsonNamingPolicy.SnakeCaseLower.ConvertName(mode.ToString()) : "step";

    /// <summary>Whether an op has it. Every op can be stepped.</summary>
    public bool ExistsFor(RecurrenceOp op) => Mode is not { } mode || op.Modes.Contains(mode);

    /// <inheritdoc/>
    public override string ToString() => Name;
}
