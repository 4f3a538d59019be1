using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Dsl.Runtime;

/// <summary>
/// One step after the other, the whole sweep at each. Of the states carried into n steps every sqrt(n)-th is kept as a checkpoint;
/// the backward walk recomputes those of a segment, from one checkpoint to the next, when it gets there. So about 2 sqrt(n) states
/// are alive at a time, for one more forward walk.
/// </summary>
internal sealed class SequentialSchedule : Schedule
{
    public override (Tensor[] Final, Tensor[] Kept) Forward(
        Sweep sweep, ChunkLayout layout, Tensor[] inputs, Tensor[] initial, bool wantFinal, bool keep, TakeRows takeOutput)
    {
        var checkpoints = new Checkpoints(layout);
        Tensor[] kept = keep ? checkpoints.Empty(initial) : [];
        var final = WalkForward(layout, initial, wantFinal, (n, state, carryOn) =>
        {
            if (keep)
                checkpoints.Write(kept, n, state);

            var own = RowsOrShared(inputs, layout.First(n), layout.Active(n));
            var local = sweep.Local(own);
            takeOutput(n, 1, sweep.Output(own, state, local));
            return carryOn == 0 ? [] : sweep.Advance(Rows(state, 0, carryOn), RowsOrShared(local, 0, carryOn));
        });

        return (final, kept);
    }

    public override Tensor[] Backward(
        TorchProgram program,
        ChunkLayout layout,
        Tensor[] inputs,
        Tensor[] kept,
        Tensor output,
        Tensor[] final,
        bool wantInitial,
        TakeRows takeGradients)
    {
        var sweep = program.Backward;
        var checkpoints = new Checkpoints(layout);
        var states = new Stack<Tensor[]>();
        return WalkBackward(layout, final, wantInitial, (n, gradient, carryOn) =>
        {
            if (states.Count == 0)
                RecomputeSegment(program.Forward, layout, inputs, checkpoints, kept, n, states);

            var (first, count) = (layout.First(n), layout.Active(n));
            Tensor[] own = [.. RowsOrShared(inputs, first, count), .. Taken(states.Pop()), output.narrow(0, first, count)];
            var local = sweep.Local(own);
            takeGradients(n, 1, sweep.Output(own, gradient, local));
            return carryOn ? sweep.Advance(gradient, local) : [];
        });
    }

    // Pushes the states carried into the steps of the segment that ends with a step. They outlive the scope of that step, to be taken
    // over by those of the steps that use them.
    private static void RecomputeSegment(
        Sweep sweep, ChunkLayout layout, Tensor[] inputs, Checkpoints checkpoints, Tensor[] kept, int last, Stack<Tensor[]> states)
    {
        var first = last / checkpoints.Spacing * checkpoints.Spacing;
        states.Push(Detached(checkpoints.Read(kept, first)));
        for (var n = first; n < last; n++)
        {
            using var scope = torch.NewDisposeScope();
            var remaining = layout.Active(n + 1);
            var local = sweep.Local(RowsOrShared(inputs, layout.First(n), remaining));
            var state = states.Peek();
            states.Push(Detached(InFull(sweep.Advance(Rows(state, 0, remaining), local), state, remaining)));
        }

        static Tensor[] Detached(Tensor[] tensors) => [.. tensors.Select(tensor => tensor.DetachFromDisposeScope())];
    }

    private static Tensor[] Taken(Tensor[] detached) => [.. detached.Select(tensor =>
    {
        using (tensor)
            return tensor.alias();
    })];

    /// <summary>Every <see cref="Spacing"/>-th of the states carried into steps, in one tensor per state.</summary>
    private sealed class Checkpoints(ChunkLayout layout)
    {
        public int Spacing { get; } = (int)Math.Ceiling(Math.Sqrt(layout.Steps));

        public Tensor[] Empty(Tensor[] states) =>
            [.. states.Select(state => Unwritten.Tensor([RowOf(layout.Steps), .. state.shape[1..]], state.dtype, state.device))];

        public void Write(Tensor[] kept, int step, Tensor[] state)
        {
            for (var i = 0; i < kept.Length && step % Spacing == 0; i++)
                kept[i].narrow(0, RowOf(step), layout.Active(step)).copy_(state[i]);
        }

        public Tensor[] Read(Tensor[] kept, int step) => Rows(kept, RowOf(step), layout.Active(step));

        private long RowOf(int step)
        {
            var row = 0L;
            for (var n = 0; n < step; n += Spacing)
                row += layout.Active(n);

            return row;
        }
    }
}
