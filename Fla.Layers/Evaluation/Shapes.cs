using Fla.Dsl;

namespace Fla.Layers.Evaluation;

/// <summary>How a shape of the figures lies with respect to a declared one.</summary>
internal enum Fit
{
    /// <summary>It is another shape.</summary>
    None,

    /// <summary>It is the declared shape.</summary>
    Plain,

    /// <summary>Its last two dimensions are the declared ones the other way round.</summary>
    Transposed,
}

/// <summary>The shapes an op's tensors must have for the figures at hand, as far as its named dimensions are known.</summary>
internal sealed class Shapes
{
    private readonly RecurrenceOp op;
    private readonly long batch;
    private readonly long time;
    private readonly long? heads;
    private readonly Dictionary<string, long> sizes = [];

    /// <param name="op">The op.</param>
    /// <param name="output">The shape of its output.</param>
    /// <exception cref="InvalidDataException">The output has not the op's rank.</exception>
    public Shapes(RecurrenceOp op, long[] output)
    {
        this.op = op;
        if (output.Length != 2 + (op.HasHeads ? 1 : 0) + op.OutputDimensions.Count)
        {
            throw new InvalidDataException(
                $"expected the output of {op.Name} to be {Text(["B", "T", .. Names(op.OutputDimensions)])}, came {Text(output)}");
        }

        (batch, time) = (output[0], output[1]);
        if (op.HasHeads) heads = output[2];
        if (op.OutputDimensions.Count == 1) sizes[op.OutputDimensions[0]] = output[^1];
    }

    /// <summary>Takes the size of a vector's dimension from a shape, if it is not known yet.</summary>
    public void Learn(IReadOnlyList<string> dimensions, long[] shape)
    {
        if (dimensions.Count == 1 && shape.Length > 0) sizes.TryAdd(dimensions[0], shape[^1]);
    }

    /// <summary>How a shape fits an argument. Arguments may have fewer heads than the output (grouped).</summary>
    public Fit FitArgument(Argument argument, long[] shape)
    {
        var leading = argument.Role == ArgumentRole.PerHead ? 0 : 2;
        if (leading == 2 && (shape.Length < 2 || shape[0] != batch || shape[1] != time)) return Fit.None;
        if (heads is not { } h) return FitTrailing(argument.Dimensions, shape.AsSpan(leading));
        if (shape.Length <= leading || shape[leading] == 0 || h % shape[leading] != 0) return Fit.None;
        return FitTrailing(argument.Dimensions, shape.AsSpan(leading + 1));
    }

    /// <summary>How a shape fits a state.</summary>
    public Fit FitState(StateVariable state, long[] shape)
    {
        if (shape.Length < 1 || shape[0] != batch) return Fit.None;
        if (heads is not { } h) return FitTrailing(state.Dimensions, shape.AsSpan(1));
        return shape.Length >= 2 && shape[1] == h ? FitTrailing(state.Dimensions, shape.AsSpan(2)) : Fit.None;
    }

    /// <summary>An argument's shape with the sizes that are known, for messages.</summary>
    public string Expected(Argument argument) =>
        Text([.. argument.Role == ArgumentRole.PerHead ? [] : new[] { $"B={batch}", $"T={time}" }, .. Names(argument.Dimensions)]);

    /// <summary>A shape in brackets.</summary>
    public static string Text<T>(IEnumerable<T> dimensions) => $"[{string.Join(", ", dimensions)}]";

    private IEnumerable<string> Names(IReadOnlyList<string> dimensions)
    {
        if (op.HasHeads) yield return heads is { } h ? $"H={h}" : "H";
        foreach (var name in dimensions) yield return sizes.TryGetValue(name, out var size) ? $"{name}={size}" : name;
    }

    // The other way round only where the declared way is impossible: a square matrix is taken as declared.
    private Fit FitTrailing(IReadOnlyList<string> dimensions, ReadOnlySpan<long> shape)
    {
        if (shape.Length != dimensions.Count) return Fit.None;
        if (Agrees(dimensions, shape)) return Fit.Plain;
        return shape.Length == 2 && Agrees(dimensions, [shape[1], shape[0]]) ? Fit.Transposed : Fit.None;
    }

    private bool Agrees(IReadOnlyList<string> dimensions, ReadOnlySpan<long> shape)
    {
        for (var i = 0; i < shape.Length; i++)
        {
            if (sizes.TryGetValue(dimensions[i], out var size) && size != shape[i]) return false;
        }

        return true;
    }
}
