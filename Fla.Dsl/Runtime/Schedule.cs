using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Dsl.Runtime;

/// <summary>Takes in what the output part of a sweep gave for the rows of some steps.</summary>
internal delegate void TakeRows(int step, int steps, Tensor[] rows);

/// <summary>
/// An order in which to evaluate the parts of a <see cref="Sweep"/> over the rows of a <see cref="ChunkLayout"/>. Inputs are in the
/// order of the sweep; states and their gradients have a row per sequence, in the order of the layout.
/// </summary>
internal abstract class Schedule
{
    /// <summary>The schedule of a mode.</summary>
    public static Schedule For(Mode mode) =>
        mode is Mode.Chunk or Mode.Parallel ? new BatchedSchedule() : new SequentialSchedule();

    /// <summary>Walks forward in time.</summary>
    /// <returns>
    /// The states after the last token of each sequence, empty unless wanted, and what the backward walk wants to see again (a tensor
    /// per state), empty unless asked to keep it.
    /// </returns>
    public abstract (Tensor[] Final, Tensor[] Kept) Forward(
        Sweep sweep, ChunkLayout layout, Tensor[] inputs, Tensor[] initial, bool wantFinal, bool keep, TakeRows takeOutput);

    /// <summary>Walks backward in time.</summary>
    /// <param name="program">Its forward sweep is there for states that were not kept.</param>
    /// <param name="layout">The layout of the forward walk.</param>
    /// <param name="inputs">The inputs of the forward walk.</param>
    /// <param name="kept">What the forward walk kept.</param>
    /// <param name="output">The gradient of the outputs.</param>
    /// <param name="final">The gradients of the final states.</param>
    /// <param name="wantInitial">Whether the gradients of the initial states are wanted.</param>
    /// <param name="takeGradients">Takes the gradients of the arguments.</param>
    /// <returns>The gradients of the initial states, empty unless wanted.</returns>
    public abstract Tensor[] Backward(
        TorchProgram program,
        ChunkLayout layout,
        Tensor[] inputs,
        Tensor[] kept,
        Tensor output,
        Tensor[] final,
        bool wantInitial,
        TakeRows takeGradients);

    /// <summary>Carries states forward in time, and picks those of each sequence after its last chunk.</summary>
    /// <param name="layout">The layout.</param>
    /// <param name="initial">The states before the first token.</param>
    /// <param name="wantFinal">Whether to give the states after the last.</param>
    /// <param name="step">
    /// Handles a step: (step, states carried into it, how many of its sequences to carry on) to the states carried out of it, which
    /// are not looked at where there is nothing to carry on.
    /// </param>
    protected static Tensor[] WalkForward(ChunkLayout layout, Tensor[] initial, bool wantFinal, Func<int, Tensor[], long, Tensor[]> step)
    {
        Tensor[] final = wantFinal ? [.. initial.Select(state => Unwritten.Tensor(state.shape, state.dtype, state.device))] : [];
        Store(initial, layout.Active(0), layout.Sequences);     // sequences without a token end as they began

        var state = Rows(initial, 0, layout.Active(0));
        for (var n = 0; n < layout.Steps; n++)
        {
            using var scope = torch.NewDisposeScope();
            scope.Attach((IEnumerable<IDisposable>)state);

            var remaining = layout.Active(n + 1);
            var carriedOn = wantFinal ? layout.Active(n) : remaining;
            var carried = step(n, state, carriedOn);
            if (carriedOn == 0)
                break;
            carried = InFull(carried, initial, carriedOn);

            Store(carried, remaining, layout.Active(n));
            state = Rows(carried, 0, remaining);
            scope.MoveToOuter((IEnumerable<IDisposable>)state);
        }

        return final;

        void Store(Tensor[] states, long from, long to)
        {
            for (var i = 0; i < final.Length && from < to; i++)
                final[i].narrow(0, from, to - from).copy_(states[i].narrow(0, from, to - from));
        }
    }

    /// <summary>Carries the gradients of states backward in time; each sequence joins at its last chunk.</summary>
    /// <param name="layout">The layout.</param>
    /// <param name="final">The gradients of the states after the last token.</param>
    /// <param name="wantInitial">Whether to give those of the states before the first.</param>
    /// <param name="step">
    /// Handles a step: (step, gradients carried into it, whether to carry on) to the gradients carried out of it.
    /// </param>
    protected static Tensor[] WalkBackward(ChunkLayout layout, Tensor[] final, bool wantInitial, Func<int, Tensor[], bool, Tensor[]> step)
    {
        var gradient = Rows(final, 0, 0);
        for (var n = layout.Steps - 1; n >= 0; n--)
        {
            using var scope = torch.NewDisposeScope();
            scope.Attach((IEnumerable<IDisposable>)gradient);

            var carriedOn = n > 0 || wantInitial;
            var carried = step(n, Join(gradient, layout.Active(n + 1), layout.Active(n)), carriedOn);
            if (!carriedOn)
                return [];
            carried = InFull(carried, final, layout.Active(n));

            gradient = Rows(carried, 0, layout.Active(n));
            scope.MoveToOuter((IEnumerable<IDisposable>)gradient);
        }

        return Join(gradient, layout.Active(0), layout.Sequences);

        Tensor[] Join(Tensor[] carried, long from, long to) =>
            from == to ? carried :
            from == 0 ? Rows(final, 0, to) :
            [.. carried.Zip(final, (later, ending) => torch.cat([later, ending.narrow(0, from, to - from)]))];
    }

    /// <summary>What is carried out of a step has its rows, also where it is one number for all.</summary>
    protected static Tensor[] InFull(Tensor[] carried, Tensor[] states, long rows) =>
        [.. carried.Zip(states, (tensor, state) => tensor.expand([rows, .. state.shape[1..]]))];

    /// <summary>Rows of tensors that all have them. Always new tensors, which may be disposed whoever owns the originals.</summary>
    protected static Tensor[] Rows(Tensor[] tensors, long first, long count) =>
        [.. tensors.Select(tensor => tensor.narrow(0, first, count))];

    /// <summary>Rows of tensors of which some have a single row that stands for all.</summary>
    protected static Tensor[] RowsOrShared(Tensor[] tensors, long first, long count) =>
        [.. tensors.Select(tensor => tensor.shape[0] == 1 ? tensor : tensor.narrow(0, first, count))];
}
