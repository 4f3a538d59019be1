using System.Globalization;
using Fla.Dsl;
using Fla.Dsl.Runtime;
using Fla.Dsl.Runtime.Launch;
using static TorchSharp.torch;

namespace Fla.Layers.Evaluation;

/// <summary>A shape to run ops on.</summary>
/// <param name="Batch">B.</param>
/// <param name="Tokens">T.</param>
/// <param name="Heads">H, of ops that have heads.</param>
/// <param name="Keys">The size of K.</param>
/// <param name="Values">The size of V.</param>
public sealed record OpShape(long Batch, long Tokens, long Heads, long Keys, long Values)
{
    // As the models of the papers have them: slots of GSA and ABC, states of Mamba.
    private const long Slots = 64, StatesOfChannel = 16;

    /// <summary>Reads <c>B,T,H,K,V</c>, or <c>B,T,H,D</c> where both are D.</summary>
    /// <exception cref="ArgumentException">It is none.</exception>
    public static OpShape Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var numbers = text.Split(',').Select(number => long.TryParse(number, CultureInfo.InvariantCulture, out var size) ? size : 0).ToArray();
        if (numbers.Length is not (4 or 5) || numbers.Any(number => number < 1))
            throw new ArgumentException($"expected B,T,H,K,V or B,T,H,D, numbers of at least 1; got '{text}'", nameof(text));
        return new(numbers[0], numbers[1], numbers[2], numbers[3], numbers[^1]);
    }

    /// <summary>
    /// The size of a dimension that a declaration names. D, of ops without heads, is that of all heads together, H K; M is 64 and N 16.
    /// </summary>
    public long SizeOf(string dimension) => FeatureMaps.SizeOf(dimension, of => SizeOf(of)) ?? dimension switch
    {
        "K" => Keys,
        "V" => Values,
        "D" => Heads * Keys,
        "M" => Slots,
        "N" => StatesOfChannel,
        _ => throw new ArgumentException($"expected K, V, D, M or N, got the dimension '{dimension}'", nameof(dimension)),
    };

    /// <summary>The shape of an argument.</summary>
    public long[] Of(RecurrenceOp op, Argument argument)
    {
        ArgumentNullException.ThrowIfNull(op);
        ArgumentNullException.ThrowIfNull(argument);
        long[] outer = argument.Role == ArgumentRole.PerHead ? [] : [Batch, Tokens];
        long[] heads = op.HasHeads ? [Heads] : [];
        return [.. outer, .. heads, .. argument.Dimensions.Select(SizeOf)];
    }

    /// <summary>What it comes to for an op's kernels, where all arguments are of one type.</summary>
    public Workload WorkOf(RecurrenceOp op, ScalarType type)
    {
        ArgumentNullException.ThrowIfNull(op);
        var names = op.Arguments.Where(argument => argument.Role != ArgumentRole.Scale).SelectMany(argument => argument.Dimensions)
            .Concat(op.States.SelectMany(state => state.Dimensions)).Concat(op.OutputDimensions).Distinct();
        long[] offsets = [.. Enumerable.Range(0, (int)Batch + 1).Select(n => n * Tokens)];
        return new(names.ToDictionary(name => name, SizeOf), offsets, op.HasHeads ? Heads : 1, type, type);
    }

    /// <inheritdoc/>
    public override string ToString() => $"B{Batch} T{Tokens} H{Heads} " + (Keys == Values ? $"D{Keys}" : $"K{Keys} V{Values}");
}
