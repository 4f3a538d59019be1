using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Dsl.Runtime;

/// <summary>
/// A call of a recurrence whose inputs are checked, without its tensors: it stays alive until the backward pass, while what the
/// tensors hold is autograd's to keep.
/// </summary>
internal sealed class RecurrenceCall
{
    public required RecurrenceOp Op { get; init; }

    public required TorchProgram Program { get; init; }

    public required Schedule Schedule { get; init; }

    public required ChunkLayout Layout { get; init; }

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

    /// <summary>Evaluates the recurrence.</summary>
    /// <returns>
    /// The outputs, the final states if wanted, and what <see cref="Backward"/> needs besides the arguments if asked to keep it.
    /// </returns>
    public (Tensor Output, Tensor[] Final, Tensor[] Kept) Forward(
        IReadOnlyList<Tensor?> arguments, IReadOnlyList<Tensor?> initial, bool keep)
    {
        using var scope = torch.NewDisposeScope();
        var transfer = new RowTransfer(Layout, Device, Compute, Heads);
        var (output, tokens) = Output.Allocate(Device);
        var states = States.Zip(initial, (state, tensor) =>
            tensor is null ? torch.full(state.Canonical, Scalars.Of(state.Empty), Compute, Device) : transfer.ToOrder(tensor.reshape(state.Canonical))).ToArray();
        var (ordered, kept) = Schedule.Forward(
            Program.Forward, Layout, Inputs(transfer, arguments), states, WantFinal, keep,
            (step, steps, rows) => transfer.ToTokens(rows[0], step, steps, tokens));

        var final = ordered.Select((state, i) =>
        {
            var (whole, canonical) = (States[i] with { Type = Compute }).Allocate(Device);
            transfer.ToSequences(state, canonical);
            return whole;
        }).ToArray();

        scope.MoveToOuter([output, .. final, .. kept]);
        return (output, final, kept);
    }

    /// <summary>Evaluates the gradients of the arguments, then of the initial states: each if wanted, else null.</summary>
    /// <param name="arguments">The arguments of the forward pass.</param>
    /// <param name="kept">What the forward pass kept.</param>
    /// <param name="output">The gradient of the outputs; null for zero.</param>
    /// <param name="final">The gradients of the final states; null for zero.</param>
    /// <param name="wanted">Which gradients are wanted, of the arguments and then of the initial states.</param>
    public Tensor?[] Backward(
        IReadOnlyList<Tensor?> arguments,
        Tensor[] kept,
        Tensor? output,
        IReadOnlyList<Tensor?> final,
        IReadOnlyList<bool> wanted)
    {
        using var scope = torch.NewDisposeScope();
        var transfer = new RowTransfer(Layout, Device, Compute, Heads);
        var gradients = Arguments.Concat(States).Select((bound, i) => wanted[i] ? bound!.Allocate(Device) : default).ToArray();
        var perHead = DeclaredArguments.Select((argument, i) =>
            wanted[i] && argument.Role == ArgumentRole.PerHead
                ? torch.zeros([1, Heads, .. Arguments[i]!.Canonical[2..]], Compute, Device)
                : null).ToArray();

        var outputRows = output is null
            ? torch.zeros([Layout.Rows, Heads, Layout.Chunk, Output.Canonical[^1]], Compute, Device)
            : transfer.ToRows(output.reshape(Output.Canonical));
        var finalRows = States.Select((state, i) =>
            i < final.Count && final[i] is { } gradient
                ? transfer.ToOrder(gradient.reshape(state.Canonical))
                : torch.zeros(state.Canonical, Compute, Device)).ToArray();

        var wantInitial = wanted.Skip(Arguments.Count).Any(want => want);
        var initial = Schedule.Backward(
            Program, Layout, Inputs(transfer, arguments), kept, outputRows, finalRows, wantInitial, Take);

        for (var i = 0; i < gradients.Length; i++)
            if (wanted[i] && i >= Arguments.Count)
                transfer.ToSequences(initial[i - Arguments.Count], gradients[i].Canonical);
            else if (wanted[i] && perHead[i] is { } sum)
                transfer.ToPerHead(sum, gradients[i].Canonical);

        Tensor?[] result = [.. gradients.Select(gradient => gradient.Whole)];
        scope.MoveToOuter(result.OfType<Tensor>());
        return result;

        void Take(int step, int steps, Tensor[] rows)
        {
            var count = Layout.First(step + steps) - Layout.First(step);
            for (var i = 0; i < Arguments.Count; i++)
                if (wanted[i] && perHead[i] is { } sum)
                    sum.add_(rows[i].expand([count, .. sum.shape[1..]]).sum(0, keepdim: true), Scalars.One);
                else if (wanted[i])
                    transfer.ToTokens(rows[i], step, steps, gradients[i].Canonical);
        }
    }

    private IEnumerable<Argument> DeclaredArguments => Op.Arguments.Where(argument => argument.Role != ArgumentRole.Scale);

    // In declaration order with the scale in its place, then the mask.
    private Tensor[] Inputs(RowTransfer transfer, IReadOnlyList<Tensor?> arguments)
    {
        var inputs = new List<Tensor>();
        var next = 0;
        foreach (var argument in Op.Arguments)
        {
            if (argument.Role == ArgumentRole.Scale)
            {
                inputs.Add(torch.tensor(Scale, Compute, Device).view(1, 1, 1, 1));
                continue;
            }

            var tensor = arguments[next]?.reshape(Arguments[next]!.Canonical) ?? Default(argument);
            inputs.Add(argument.Role == ArgumentRole.PerHead ? transfer.ToRow(tensor) : transfer.ToRows(tensor));
            next++;
        }

        return [.. inputs, transfer.Mask()];
    }

    private Tensor Default(Argument argument)
    {
        double[] perHead = [.. Enumerable.Range(0, (int)Heads).Select(head => argument.Default!(head, (int)Heads))];
        return torch.tensor(perHead, Compute, Device).view(1, Heads, 1, 1);
    }
}
