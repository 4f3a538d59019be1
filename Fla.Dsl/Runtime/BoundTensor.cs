using static TorchSharp.torch;

namespace Fla.Dsl.Runtime;

/// <summary>
/// A tensor's shape and dtype as the user sees it, and the shape with the axes that all have here: <c>[B, T, Ha, D]</c> for what is
/// per token, <c>[1, Ha, R, C]</c> for what is per head, <c>[N, H, R, C]</c> for a state (R = 1 for a vector).
/// </summary>
internal sealed record BoundTensor(long[] Shape, long[] Canonical, ScalarType Type)
{
    /// <summary>Of a state, what it is where none is given.</summary>
    public double Empty { get; private init; }

    /// <summary>An argument as it came.</summary>
    public static BoundTensor Of(RecurrenceOp op, Argument argument, long[] shape, ScalarType type)
    {
        List<long> canonical = [.. shape];
        var perHead = argument.Role == ArgumentRole.PerHead;
        if (!op.HasHeads)
            canonical.Insert(canonical.Count - argument.Dimensions.Count, 1);
        if (argument.Dimensions.Count == 0)
            canonical.Add(1);
        if (perHead && argument.Dimensions.Count < 2)
            canonical.Insert(1, 1);     // a vector is a row
        if (perHead)
            canonical.Insert(0, 1);
        else if (canonical.Count < 4)
            canonical.Insert(1, 1);     // one token

        return new(shape, [.. canonical], type);
    }

    /// <summary>A state, with the dtype of the initial one if it is given.</summary>
    public static BoundTensor Of(RecurrenceOp op, StateVariable state, AxisSizes sizes, ScalarType? dtype)
    {
        long[] dims = [.. state.Dimensions.Select(dimension => sizes[Axis.Declared(dimension)]!.Value)];
        var (sequences, heads) = (sizes[Axis.Sequences]!.Value, sizes[Axis.Heads]!.Value);
        return new(
            op.HasHeads ? [sequences, heads, .. dims] : [sequences, .. dims],
            dims.Length == 1 ? [sequences, heads, 1, .. dims] : [sequences, heads, .. dims],
            dtype ?? ScalarType.Float32)
        {
            Empty = state.Empty,
        };
    }

    /// <summary>The output.</summary>
    public static BoundTensor OfOutput(RecurrenceOp op, bool hasTime, AxisSizes sizes, ScalarType dtype)
    {
        long[] dims = [.. op.OutputDimensions.Select(dimension => sizes[Axis.Declared(dimension)]
            ?? throw new InvalidOperationException($"{op.Name}: no argument or state has the dimension {dimension} of the output."))];
        var (batch, tokens, heads) = (sizes[Axis.Batch]!.Value, sizes[Axis.Time] ?? 1, sizes[Axis.Heads]!.Value);
        long[] outer = hasTime ? [batch, tokens] : [batch];
        return new(
            op.HasHeads ? [.. outer, heads, .. dims] : [.. outer, .. dims],
            dims.Length == 0 ? [batch, tokens, heads, 1] : [batch, tokens, heads, .. dims],
            dtype);
    }

    /// <summary>
    /// Unwritten memory for it, and a view of that with the canonical axes to write through: users get the tensor that is no view,
    /// which they may change in place.
    /// </summary>
    public (Tensor Whole, Tensor Canonical) Allocate(Device device)
    {
        var whole = Unwritten.Tensor(Shape, Type, device);
        return (whole, whole.view(Canonical));
    }
}
