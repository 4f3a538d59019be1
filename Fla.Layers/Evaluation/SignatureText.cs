using Fla.Dsl;
using Fla.Dsl.Testing;

namespace Fla.Layers.Evaluation;

/// <summary>What an op takes, keeps and has, in words.</summary>
public static class SignatureText
{
    /// <summary>The arguments, such as <c>q[K], g log decay, scale optional</c>.</summary>
    public static string Arguments(RecurrenceOp op) => string.Join(", ", op.Arguments.Select(Describe));

    /// <summary>The states, such as <c>S[K, V]</c>.</summary>
    public static string States(RecurrenceOp op) =>
        string.Join(", ", op.States.Select(state => state.Name + Shape(state.Dimensions) + (state.IsLogSpace ? " logarithms" : "")));

    /// <summary>The modes, such as <c>chunk, fused_recurrent</c>.</summary>
    public static string Modes(RecurrenceOp op) => string.Join(", ", op.Modes.Select(mode => new Execution(mode).Name));

    private static string Describe(Argument argument) =>
        argument.Name + Shape(argument.Dimensions) + (argument.IsLogDecay ? " log decay" : "") + argument.Role switch
        {
            ArgumentRole.PerHead => argument.Default is null ? " per head" : " per head, optional",
            ArgumentRole.Scale => " optional",
            _ => "",
        };

    private static string Shape(IReadOnlyList<string> dimensions) => dimensions.Count == 0 ? "" : $"[{string.Join(", ", dimensions)}]";
}
