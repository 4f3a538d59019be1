using Fla.Dsl.Runtime;
using static TorchSharp.torch;

namespace Fla.Dsl;

/// <summary>
/// Checks what a user passed to a recurrence and works out what the call comes to, before anything runs: an exception out of a
/// backward pass cannot be caught, so nothing may be left to go wrong there.
/// </summary>
internal static class Binding
{
    private static readonly ScalarType[] Floats = [ScalarType.BFloat16, ScalarType.Float16, ScalarType.Float32, ScalarType.Float64];

    /// <summary>Binds the arguments of <see cref="RecurrenceOp.Run"/>, or without a mode those of <see cref="RecurrenceOp.Step"/>.</summary>
    public static RecurrenceCall Bind(
        RecurrenceOp op,
        Mode? mode,
        IReadOnlyList<Tensor?> arguments,
        double? scale,
        IReadOnlyList<Tensor?>? initialState,
        bool outputFinalState,
        Tensor? cuSeqlens,
        bool l2Norm)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        if (mode is { } asked && !op.Modes.Contains(asked))
            throw Refused(nameof(mode), $"expected {string.Join(", ", op.Modes)}, which {op.Name} has; came {asked}.");

        var hasTime = mode is not null;
        var declared = op.Arguments.Where(argument => argument.Role != ArgumentRole.Scale).ToArray();
        if (arguments.Count != declared.Length)
            throw Refused(
                nameof(arguments),
                $"expected {declared.Length} ({string.Join(", ", declared.Select(argument => argument.Name))}), came {arguments.Count}.");

        if (l2Norm && declared.All(argument => !argument.HasL2NormOption))
            throw Refused(nameof(l2Norm), $"expected false, as no argument of {op.Name} has the option; came true.");

        var sizes = new AxisSizes();
        var kind = new Kind();
        var shapes = new long[]?[declared.Length];
        for (var i = 0; i < declared.Length; i++)
            if (arguments[i] is { } argument)
            {
                kind.Check(declared[i].Name, argument);
                sizes.Match(declared[i].Name, shapes[i] = argument.shape, AxesOf(op, declared[i], hasTime));
            }
            else if (declared[i].Default is null)
                throw Refused(declared[i].Name, "expected a tensor, came null.");

        if (kind.First is not { } first)
            throw Refused(nameof(arguments), "expected a tensor, came only null.");
        if (sizes[Axis.Batch] is not { } batch)
            throw Refused(nameof(arguments), "expected a tensor with a batch axis, came only ones per head.");

        var heads = LargestHeadCount(op, declared, shapes, hasTime);
        sizes.Bind(Axis.Heads, heads.Count, heads.Origin);
        var tokens = sizes[Axis.Time] ?? 1;
        var offsets = SequenceOffsets.Of(cuSeqlens, batch, tokens);
        sizes.Bind(Axis.Sequences, offsets.Length - 1, cuSeqlens is null ? declared[0].Name : nameof(cuSeqlens));
        CheckStates(op, initialState, mode is null ? "state" : nameof(initialState), sizes, kind);

        return new RecurrenceCall
        {
            Op = op,
            Mode = mode,
            Offsets = offsets,
            Batch = batch,
            Packed = cuSeqlens is not null,
            Device = first.device,
            Compute = arguments.Any(argument => argument?.dtype == ScalarType.Float64) ? ScalarType.Float64 : ScalarType.Float32,
            Heads = heads.Count,
            Scale = ScaleOf(op, declared, scale, sizes),
            WantFinal = outputFinalState,
            Arguments =
            [
                .. declared.Zip(shapes, arguments).Select(item =>
                    item is (var argument, { } shape, { } tensor) ? BoundTensor.Of(op, argument, shape, tensor.dtype) : null),
            ],
            States = [.. op.States.Select((state, i) => BoundTensor.Of(op, state, sizes, initialState?[i]?.dtype))],
            Output = BoundTensor.OfOutput(op, hasTime, sizes, first.dtype),
        };
    }

    private static Axis[] AxesOf(RecurrenceOp op, Argument argument, bool hasTime)
    {
        Axis[] heads = op.HasHeads ? [Axis.OwnHeads] : [];
        Axis[] dims = [.. argument.Dimensions.Select(Axis.Declared)];
        return argument.Role == ArgumentRole.PerHead ? [.. heads, .. dims]
            : hasTime ? [Axis.Batch, Axis.Time, .. heads, .. dims]
            : [Axis.Batch, .. heads, .. dims];
    }

    private static (long Count, string Origin) LargestHeadCount(
        RecurrenceOp op, Argument[] declared, long[]?[] shapes, bool hasTime)
    {
        if (!op.HasHeads)
            return (1, op.Name);

        (long Count, string Origin)[] heads =
        [
            .. declared.Zip(shapes).Where(pair => pair.Second is not null).Select(pair =>
                (pair.Second![Array.IndexOf(AxesOf(op, pair.First, hasTime), Axis.OwnHeads)], pair.First.Name)),
        ];
        var largest = heads.MaxBy(entry => entry.Count);
        foreach (var (count, name) in heads)
            if (largest.Count % count != 0)
                throw Refused(name, $"expected a number of heads H that divides the {largest.Count} of {largest.Origin}, came {count}.");

        return largest;
    }

    private static void CheckStates(RecurrenceOp op, IReadOnlyList<Tensor?>? states, string parameter, AxisSizes sizes, Kind kind)
    {
        if (states is not null && states.Count != op.States.Count)
            throw Refused(
                parameter, $"expected {op.States.Count} ({string.Join(", ", op.States.Select(state => state.Name))}), came {states.Count}.");

        for (var i = 0; i < op.States.Count; i++)
        {
            if (states?[i] is { } tensor)
            {
                var name = $"{parameter}[{i}]";
                Axis[] heads = op.HasHeads ? [Axis.Heads] : [];
                kind.Check(name, tensor);
                sizes.Match(name, tensor.shape, [Axis.Sequences, .. heads, .. op.States[i].Dimensions.Select(Axis.Declared)]);
            }

            if (op.States[i].Dimensions.FirstOrDefault(dimension => sizes[Axis.Declared(dimension)] is null) is { } unknown)
                throw Refused(parameter, $"expected {op.States[i].Name}, as no argument says how large {unknown} is; came null.");
        }
    }

    private static double ScaleOf(RecurrenceOp op, Argument[] declared, double? scale, AxisSizes sizes)
    {
        if (scale is { } given && !double.IsFinite(given))
            throw Refused(nameof(scale), $"expected a finite number, came {given}.");
        if (scale is not null && op.Arguments.All(argument => argument.Role != ArgumentRole.Scale))
            throw Refused(nameof(scale), $"expected none, as {op.Name} has no scale; came {scale}.");

        return scale ?? (declared[0].Dimensions is [.., var last] ? 1 / Math.Sqrt(sizes[Axis.Declared(last)] ?? 1) : 1);
    }

    private static ArgumentException Refused(string name, string why) => new($"{name}: {why}", name);

    /// <summary>That all tensors are live, of a float type and on one device.</summary>
    private sealed class Kind
    {
        private string? origin;

        public Tensor? First { get; private set; }

        public void Check(string name, Tensor tensor)
        {
            if (tensor.IsInvalid)
                throw Refused(name, "expected a tensor, came a disposed one.");
            if (!Floats.Contains(tensor.dtype))
                throw Refused(name, $"expected one of {string.Join(", ", Floats)}, came {tensor.dtype}.");

            First ??= tensor;
            origin ??= name;
            if (tensor.device_type != First.device_type || tensor.device_index != First.device_index)
                throw Refused(name, $"expected device {First.device}, where {origin} is; came {tensor.device}.");
        }
    }
}
