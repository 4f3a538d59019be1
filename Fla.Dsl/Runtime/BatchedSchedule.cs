using static TorchSharp.torch;

namespace Fla.Dsl.Runtime;

/// <summary>
/// All chunks at once: what needs no state is evaluated for all rows in a few large operations, then the state walks over the
/// steps, then the outputs are evaluated for all rows from the states carried into them. Those are kept for the backward walk.
/// </summary>
internal sealed class BatchedSchedule : Schedule
{
    public override (Tensor[] Final, Tensor[] Kept) Forward(
        Sweep sweep, ChunkLayout layout, Tensor[] inputs, Tensor[] initial, bool wantFinal, bool keep, TakeRows takeOutput)
    {
        var local = sweep.Local(inputs);
        var carriedIn = Stack(layout, initial);
        var final = WalkForward(layout, initial, wantFinal, (n, state, carryOn) =>
        {
            Write(carriedIn, layout, n, state);
            return carryOn == 0 ? [] : sweep.Advance(Rows(state, 0, carryOn), RowsOrShared(local, layout.First(n), carryOn));
        });

        takeOutput(0, layout.Steps, sweep.Output(inputs, carriedIn, local));
        return (final, keep ? carriedIn : []);
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
        Tensor[] all = [.. inputs, .. kept, output];
        var local = sweep.Local(all);
        var carriedIn = Stack(layout, final);
        var initial = WalkBackward(layout, final, wantInitial, (n, gradient, carryOn) =>
        {
            Write(carriedIn, layout, n, gradient);
            return carryOn ? sweep.Advance(gradient, RowsOrShared(local, layout.First(n), layout.Active(n))) : [];
        });

        takeGradients(0, layout.Steps, sweep.Output(all, carriedIn, local));
        return initial;
    }

    // Every row is written by the walk.
    private static Tensor[] Stack(ChunkLayout layout, Tensor[] states) =>
        [.. states.Select(state => Unwritten.Tensor([layout.Rows, .. state.shape[1..]], state.dtype, state.device))];

    private static void Write(Tensor[] stack, ChunkLayout layout, int step, Tensor[] state)
    {
        for (var i = 0; i < stack.Length; i++)
            stack[i].narrow(0, layout.First(step), layout.Active(step)).copy_(state[i]);
    }
}
