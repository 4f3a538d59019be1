using System.Text.Json;
using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Dsl.Testing;

/// <summary>A way to evaluate an operator over a sequence: in one of its modes, or token by token as decoding does.</summary>
/// <param name="Mode">The mode, or null for token by token.</param>
public readonly record struct Execution(Mode? Mode)
{
    /// <summary>Token by token, the state handed from each to the next.</summary>
    public static Execution Step => new(null);

    /// <summary>Every way there is.</summary>
    public static IReadOnlyList<Execution> All { get; } = [.. Enum.GetValues<Mode>().Select(mode => new Execution(mode)), Step];

    /// <summary>The name as the field writes it: <c>chunk</c>, <c>fused_chunk</c>, <c>fused_recurrent</c>, <c>parallel</c>, <c>step</c>.</summary>
    public string Name => Mode is { } mode ? JsonNamingPolicy.SnakeCaseLower.ConvertName(mode.ToString()) : "step";

    /// <summary>Every way that an operator has.</summary>
    public static IEnumerable<Execution> Of(RecurrenceOp op) => All.Where(execution => execution.ExistsFor(op));

    /// <summary>Whether an operator has it. Every one can be stepped.</summary>
    public bool ExistsFor(RecurrenceOp op) => Mode is not { } mode || op.Modes.Contains(mode);

    /// <summary>Evaluates an operator, differentiably.</summary>
    /// <param name="op">The operator.</param>
    /// <param name="arguments">Its arguments but the scale, in order, as <see cref="RecurrenceOp.Run"/> takes them.</param>
    /// <param name="initialState">The states before the first token, or null for zero.</param>
    /// <param name="scale">The scale, or null for the default.</param>
    /// <param name="l2Norm">Whether arguments with the option are divided by their lengths first.</param>
    /// <returns>The output and the final states.</returns>
    public (Tensor Output, Tensor[] States) Run(
        RecurrenceOp op, IReadOnlyList<Tensor?> arguments, IReadOnlyList<Tensor?>? initialState, double? scale, bool l2Norm = false)
    {
        if (Mode is not { } mode) return TokenByToken(op, arguments, initialState, scale, l2Norm);
        var (output, states) = op.Run(mode, arguments, scale, initialState, outputFinalState: true, l2Norm: l2Norm);
        return (output, states!);
    }

    /// <inheritdoc/>
    public override string ToString() => Name;

    private static (Tensor Output, Tensor[] States) TokenByToken(
        RecurrenceOp op, IReadOnlyList<Tensor?> arguments, IReadOnlyList<Tensor?>? state, double? scale, bool l2Norm)
    {
        var declared = op.Arguments.Where(argument => argument.Role != ArgumentRole.Scale).ToArray();
        var time = declared.Zip(arguments).First(pair => pair.First.Role == ArgumentRole.Token).Second!.shape[1];
        var outputs = new List<Tensor>();
        for (var t = 0L; t < time; t++)
        {
            var token = declared.Zip(arguments, (argument, value) => argument.Role == ArgumentRole.PerHead ? value : value?.select(1, t));
            (var output, state) = op.Step([.. token], state, scale, l2Norm);
            outputs.Add(output);
        }

        return (torch.stack(outputs, dim: 1), [.. state!.Select(s => s!)]);
    }
}
