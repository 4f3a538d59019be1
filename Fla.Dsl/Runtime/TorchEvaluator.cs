using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Dsl.Runtime;

/// <summary>
/// Evaluates a recurrence with TorchSharp's operations: what the compiler wrote for chunks or tokens, in a schedule's order.
/// </summary>
internal sealed class TorchEvaluator : Evaluator
{
    private readonly TorchProgram program;
    private readonly Schedule schedule;
    private readonly ChunkLayout layout;

    public TorchEvaluator(RecurrenceCall call)
        : base(call)
    {
        var mode = call.Mode ?? Mode.FusedRecurrent;
        var longest = call.Offsets.Zip(call.Offsets.Skip(1), (begin, end) => end - begin).Max();
        program = mode == Mode.FusedRecurrent ? call.Op.TokenProgram : call.Op.ChunkProgram!;
        schedule = Schedule.For(mode);
        layout = new ChunkLayout(call.Offsets, call.Batch, call.Packed, ChunkLength.For(mode, longest));
    }

    /// <inheritdoc/>
    public override (Tensor Output, Tensor[] Final, Tensor[] Kept) Forward(
        IReadOnlyList<Tensor?> arguments, IReadOnlyList<Tensor?> initial, bool keep)
    {
        using var scope = torch.NewDisposeScope();
        var transfer = new RowTransfer(layout, Call.Device, Call.Compute, Call.Heads);
        var (output, tokens) = Call.Output.Allocate(Call.Device);
        var states = Call.States.Zip(initial, (state, tensor) => tensor is null
            ? torch.full(state.Canonical, Scalars.Of(state.Empty), Call.Compute, Call.Device)
            : transfer.ToOrder(tensor.reshape(state.Canonical))).ToArray();
        var (ordered, kept) = schedule.Forward(
            program.Forward, layout, Inputs(transfer, arguments), states, Call.WantFinal, keep,
            (step, steps, rows) => transfer.ToTokens(rows[0], step, steps, tokens));

        var final = ordered.Select((state, i) =>
        {
            var (whole, canonical) = (Call.States[i] with { Type = Call.Compute }).Allocate(Call.Device);
            transfer.ToSequences(state, canonical);
            return whole;
        }).ToArray();

        scope.MoveToOuter([output, .. final, .. kept]);
        return (output, final, kept);
    }

    /// <inheritdoc/>
    public override Tensor?[] Backward(
        IReadOnlyList<Tensor?> arguments,
        Tensor[] kept,
        Tensor? output,
        IReadOnlyList<Tensor?> final,
        IReadOnlyList<bool> wanted)
    {
        using var scope = torch.NewDisposeScope();
        var transfer = new RowTransfer(layout, Call.Device, Call.Compute, Call.Heads);
        var gradients = Call.Arguments.Concat(Call.States)
            .Select((bound, i) => wanted[i] ? bound!.Allocate(Call.Device) : default).ToArray();
        var perHead = Call.DeclaredArguments.Select((argument, i) =>
            wanted[i] && argument.Role == ArgumentRole.PerHead
                ? torch.zeros([1, Call.Heads, .. Call.Arguments[i]!.Canonical[2..]], Call.Compute, Call.Device)
                : null).ToArray();

        var outputRows = output is null
            ? torch.zeros([layout.Rows, Call.Heads, layout.Chunk, Call.Output.Canonical[^1]], Call.Compute, Call.Device)
            : transfer.ToRows(output.reshape(Call.Output.Canonical));
        var finalRows = Call.States.Select((state, i) =>
            i < final.Count && final[i] is { } gradient
                ? transfer.ToOrder(gradient.reshape(state.Canonical))
                : torch.zeros(state.Canonical, Call.Compute, Call.Device)).ToArray();

        var wantInitial = wanted.Skip(Call.Arguments.Count).Any(want => want);
        var initial = schedule.Backward(
            program, layout, Inputs(transfer, arguments), kept, outputRows, finalRows, wantInitial, Take);

        for (var i = 0; i < gradients.Length; i++)
            if (wanted[i] && i >= Call.Arguments.Count)
                transfer.ToSequences(initial[i - Call.Arguments.Count], gradients[i].Canonical);
            else if (wanted[i] && perHead[i] is { } sum)
                transfer.ToPerHead(sum, gradients[i].Canonical);

        Tensor?[] result = [.. gradients.Select(gradient => gradient.Whole)];
        scope.MoveToOuter(result.OfType<Tensor>());
        return result;

        void Take(int step, int steps, Tensor[] rows)
        {
            var count = layout.First(step + steps) - layout.First(step);
            for (var i = 0; i < Call.Arguments.Count; i++)
                if (wanted[i] && perHead[i] is { } sum)
                    sum.add_(rows[i].expand([count, .. sum.shape[1..]]).sum(0, keepdim: true), Scalars.One);
                else if (wanted[i])
                    transfer.ToTokens(rows[i], step, steps, gradients[i].Canonical);
        }
    }

    // In declaration order with the scale in its place, then the mask.
    private Tensor[] Inputs(RowTransfer transfer, IReadOnlyList<Tensor?> arguments)
    {
        var inputs = new List<Tensor>();
        var next = 0;
        foreach (var argument in Call.Op.Arguments)
        {
            if (argument.Role == ArgumentRole.Scale)
            {
                inputs.Add(torch.tensor(Call.Scale, Call.Compute, Call.Device).view(1, 1, 1, 1));
                continue;
            }

            var tensor = arguments[next]?.reshape(Call.Arguments[next]!.Canonical)
                ?? torch.tensor(Call.Default(argument), Call.Compute, Call.Device).view(1, Call.Heads, 1, 1);
            inputs.Add(argument.Role == ArgumentRole.PerHead ? transfer.ToRow(tensor) : transfer.ToRows(tensor));
            next++;
        }

        return [.. inputs, transfer.Mask()];
    }
}
