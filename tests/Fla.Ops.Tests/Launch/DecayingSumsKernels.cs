using Fla.Dsl.Runtime.Gpu;
using ILGPU;

namespace Fla.Ops.Tests.Launch;

/// <summary>
/// Kernels of <c>TestOps.DecayingSums</c>, by hand: word for word the recurrence, by one thread of a block. They are for what the launcher
/// does around kernels. A state is a matrix in shared memory whose last row is z.
/// </summary>
public static class DecayingSumsKernels
{
    public static GpuProgram Program { get; } = new(
        Forward: new GpuKernel(typeof(DecayingSumsKernels), nameof(Forward), ["K", "V"], "V",
        [
            new(GpuRole.Argument, "q"), new(GpuRole.Argument, "k"), new(GpuRole.Argument, "v"), new(GpuRole.Argument, "g"),
            new(GpuRole.Argument, "gamma"), new(GpuRole.Argument, "scale"), new(GpuRole.Output, "o"),
            new(GpuRole.InitialState, "S"), new(GpuRole.FinalState, "S"), new(GpuRole.KeptState, "S"),
            new(GpuRole.InitialState, "z"), new(GpuRole.FinalState, "z"), new(GpuRole.KeptState, "z"),
        ]),
        Backward: new GpuKernel(typeof(DecayingSumsKernels), nameof(Backward), ["K", "V"], "V",
        [
            new(GpuRole.Argument, "q"), new(GpuRole.Argument, "k"), new(GpuRole.Argument, "v"), new(GpuRole.Argument, "g"),
            new(GpuRole.Argument, "gamma"), new(GpuRole.Argument, "scale"), new(GpuRole.OutputGradient, "o"),
            new(GpuRole.KeptState, "S"), new(GpuRole.FinalStateGradient, "S"), new(GpuRole.InitialStateGradient, "S"),
            new(GpuRole.KeptState, "z"), new(GpuRole.FinalStateGradient, "z"), new(GpuRole.InitialStateGradient, "z"),
            new(GpuRole.ArgumentGradient, "q"), new(GpuRole.ArgumentGradient, "k"), new(GpuRole.ArgumentGradient, "v"),
            new(GpuRole.ArgumentGradient, "g"), new(GpuRole.ArgumentGradient, "gamma"),
        ]),
        Segment: new GpuKernel(typeof(DecayingSumsKernels), nameof(Segment), ["K", "V"], "V",
        [
            new(GpuRole.Argument, "k"), new(GpuRole.Argument, "v"), new(GpuRole.Argument, "g"), new(GpuRole.Argument, "gamma"),
            new(GpuRole.FinalState, "S"), new(GpuRole.StateDecay, "S"), new(GpuRole.FinalState, "z"), new(GpuRole.StateDecay, "z"),
        ]));

    public static int ForwardBytes<TBlock, TChunk, TAhead, TK, TV, TElement, TGate>()
        where TBlock : struct, IBlock
        where TChunk : struct, ISize
        where TK : struct, ISize
        where TV : struct, ISize
        where TElement : struct, IElement
        where TGate : struct, IElement => (TK.Value + 1) * TV.Value * 4;

    public static void Forward<TBlock, TChunk, TAhead, TK, TV, TElement, TGate>(
        GpuTensor q, GpuTensor k, GpuTensor v, GpuTensor g, GpuTensor gamma, float scale, GpuTensor o,
        GpuTensor initialS, GpuTensor finalS, GpuTensor keptS, GpuTensor initialz, GpuTensor finalz, GpuTensor keptz,
        long offsets, int heads, int splits)
        where TBlock : struct, IBlock
        where TChunk : struct, ISize
        where TK : struct, ISize
        where TV : struct, ISize
        where TElement : struct, IElement
        where TGate : struct, IElement
    {
        if (Group.IdxX != 0) return;
        var state = SharedMemory.GetDynamic<float>();
        int split = Grid.IdxX % splits, head = Grid.IdxX / splits % heads, sequence = Grid.IdxX / splits / heads;
        long first = Memory.ReadLong(offsets + (16L * sequence)), row = Memory.ReadLong(offsets + (16L * sequence) + 8);
        var tokens = Memory.ReadLong(offsets + (16L * sequence) + 16) - first;
        var from = split * TV.Value;
        int keys = q.Columns, columns = Numbers.Lesser(v.Columns - from, TV.Value);

        Read<SingleElement, TV>(state, 0, initialS, sequence, head, keys, from, columns);
        Read<SingleElement, TV>(state, TK.Value, initialz, sequence, head, 1, from, columns);
        for (var t = 0L; t < tokens; t++)
        {
            if (t % TChunk.Value == 0)
            {
                Write<TElement, TV>(state, 0, keptS, row + (t / TChunk.Value), head, keys, from, columns);
                Write<TElement, TV>(state, TK.Value, keptz, row + (t / TChunk.Value), head, 1, from, columns);
            }

            var decay = Decay(g, gamma, first + t, head, heads);
            for (var c = 0; c < columns; c++)
            {
                var value = At<TElement>(v, first + t, head, heads, from + c);
                var sum = 0f;
                for (var r = 0; r < keys; r++)
                {
                    state[(r * TV.Value) + c] = (decay * state[(r * TV.Value) + c]) + (At<TElement>(k, first + t, head, heads, r) * value);
                    sum += At<TElement>(q, first + t, head, heads, r) * state[(r * TV.Value) + c];
                }

                var z = (TK.Value * TV.Value) + c;
                state[z] = (decay * state[z]) + value;
                TElement.Write(o.Row<TElement>(first + t, head, heads) + ((from + c) * TElement.Bytes), (scale * sum) + state[z]);
            }
        }

        Write<SingleElement, TV>(state, 0, finalS, sequence, head, keys, from, columns);
        Write<SingleElement, TV>(state, TK.Value, finalz, sequence, head, 1, from, columns);
    }

    /// <summary>The states after each token of a chunk, the one before it first, and the gradient of the state.</summary>
    public static int BackwardBytes<TBlock, TChunk, TAhead, TK, TV, TElement, TGate>()
        where TBlock : struct, IBlock
        where TChunk : struct, ISize
        where TK : struct, ISize
        where TV : struct, ISize
        where TElement : struct, IElement
        where TGate : struct, IElement => (TChunk.Value + 2) * (TK.Value + 1) * TV.Value * 4;

    public static void Backward<TBlock, TChunk, TAhead, TK, TV, TElement, TGate>(
        GpuTensor q, GpuTensor k, GpuTensor v, GpuTensor g, GpuTensor gamma, float scale, GpuTensor @do,
        GpuTensor keptS, GpuTensor finaldS, GpuTensor initialdS, GpuTensor keptz, GpuTensor finaldz, GpuTensor initialdz,
        GpuTensor dq, GpuTensor dk, GpuTensor dv, GpuTensor dg, GpuTensor dgamma,
        long offsets, int heads, int splits)
        where TBlock : struct, IBlock
        where TChunk : struct, ISize
        where TK : struct, ISize
        where TV : struct, ISize
        where TElement : struct, IElement
        where TGate : struct, IElement
    {
        if (Group.IdxX != 0) return;
        var shared = SharedMemory.GetDynamic<float>();
        int split = Grid.IdxX % splits, head = Grid.IdxX / splits % heads, sequence = Grid.IdxX / splits / heads;
        long first = Memory.ReadLong(offsets + (16L * sequence)), row = Memory.ReadLong(offsets + (16L * sequence) + 8);
        var tokens = Memory.ReadLong(offsets + (16L * sequence) + 16) - first;
        var from = split * TV.Value;
        int keys = q.Columns, columns = Numbers.Lesser(v.Columns - from, TV.Value);
        int part = (split * heads) + head, parts = splits * heads;
        int rows = TK.Value + 1, gradient = (TChunk.Value + 1) * rows;

        Read<SingleElement, TV>(shared, gradient, finaldS, sequence, head, keys, from, columns);
        Read<SingleElement, TV>(shared, gradient + TK.Value, finaldz, sequence, head, 1, from, columns);
        var ofGamma = 0f;
        for (var chunk = (tokens - 1) / TChunk.Value; tokens > 0 && chunk >= 0; chunk--)
        {
            Read<TElement, TV>(shared, 0, keptS, row + chunk, head, keys, from, columns);
            Read<TElement, TV>(shared, TK.Value, keptz, row + chunk, head, 1, from, columns);
            var start = first + (chunk * TChunk.Value);
            var count = (int)Numbers.Lesser(first + tokens - start, TChunk.Value);
            for (var i = 0; i < count; i++)
            {
                var decay = Decay(g, gamma, start + i, head, heads);
                for (var r = 0; r < rows; r++)
                    for (var c = 0; c < columns; c++)
                    {
                        var key = 0f;
                        if (r < keys) key = At<TElement>(k, start + i, head, heads, r);
                        if (r == TK.Value) key = 1f;
                        shared[((((i + 1) * rows) + r) * TV.Value) + c] = (decay * shared[(((i * rows) + r) * TV.Value) + c])
                            + (key * At<TElement>(v, start + i, head, heads, from + c));
                    }
            }

            for (var i = count - 1; i >= 0; i--)
            {
                var token = start + i;
                var decay = Decay(g, gamma, token, head, heads);
                var ofDecay = 0f;
                for (var c = 0; c < columns; c++)
                {
                    var z = ((gradient + TK.Value) * TV.Value) + c;
                    shared[z] += At<TElement>(@do, token, head, heads, from + c);
                    ofDecay += shared[z] * shared[(((i * rows) + TK.Value) * TV.Value) + c];
                    var ofValue = shared[z];
                    shared[z] *= decay;
                    for (var r = 0; r < keys; r++)
                    {
                        var s = ((gradient + r) * TV.Value) + c;
                        shared[s] += scale * At<TElement>(q, token, head, heads, r) * At<TElement>(@do, token, head, heads, from + c);
                        ofValue += shared[s] * At<TElement>(k, token, head, heads, r);
                        ofDecay += shared[s] * shared[(((i * rows) + r) * TV.Value) + c];
                    }

                    TElement.Write(dv.Row<TElement>(token, head, heads) + ((from + c) * TElement.Bytes), ofValue);
                }

                for (var r = 0; r < keys; r++)
                {
                    float ofQuery = 0f, ofKey = 0f;
                    for (var c = 0; c < columns; c++)
                    {
                        var s = ((gradient + r) * TV.Value) + c;
                        var state = shared[((((i + 1) * rows) + r) * TV.Value) + c];
                        ofQuery += scale * At<TElement>(@do, token, head, heads, from + c) * state;
                        ofKey += shared[s] * At<TElement>(v, token, head, heads, from + c);
                        shared[s] *= decay;
                    }

                    TElement.Write(dq.Row<TElement>(token, part, parts) + (r * TElement.Bytes), ofQuery);
                    TElement.Write(dk.Row<TElement>(token, part, parts) + (r * TElement.Bytes), ofKey);
                }

                SingleElement.Write(dg.Row<SingleElement>(token, part, parts), ofDecay * decay);
                ofGamma += ofDecay * decay;
            }
        }

        if (dgamma.Address != 0) SingleElement.Write(dgamma.Row<SingleElement>(sequence, part, parts), ofGamma);
        Write<SingleElement, TV>(shared, gradient, initialdS, sequence, head, keys, from, columns);
        Write<SingleElement, TV>(shared, gradient + TK.Value, initialdz, sequence, head, 1, from, columns);
    }

    public static int SegmentBytes<TBlock, TChunk, TAhead, TK, TV, TElement, TGate>()
        where TBlock : struct, IBlock
        where TChunk : struct, ISize
        where TK : struct, ISize
        where TV : struct, ISize
        where TElement : struct, IElement
        where TGate : struct, IElement => 2 * (TK.Value + 1) * TV.Value * 4;

    public static void Segment<TBlock, TChunk, TAhead, TK, TV, TElement, TGate>(
        GpuTensor k, GpuTensor v, GpuTensor g, GpuTensor gamma,
        GpuTensor finalS, GpuTensor decayS, GpuTensor finalz, GpuTensor decayz,
        long offsets, int heads, int splits)
        where TBlock : struct, IBlock
        where TChunk : struct, ISize
        where TK : struct, ISize
        where TV : struct, ISize
        where TElement : struct, IElement
        where TGate : struct, IElement
    {
        if (Group.IdxX != 0) return;
        var shared = SharedMemory.GetDynamic<float>();
        int split = Grid.IdxX % splits, head = Grid.IdxX / splits % heads, sequence = Grid.IdxX / splits / heads;
        long first = Memory.ReadLong(offsets + (16L * sequence)), end = Memory.ReadLong(offsets + (16L * sequence) + 16);
        var from = split * TV.Value;
        int rows = TK.Value + 1, columns = Numbers.Lesser(v.Columns - from, TV.Value);
        var sum = 0f;
        for (var i = 0; i < rows * TV.Value; i++) shared[i] = 0f;
        for (var t = first; t < end; t++)
        {
            var decay = Decay(g, gamma, t, head, heads);
            sum += At<SingleElement>(g, t, head, heads, 0) + At<SingleElement>(gamma, 0, head, heads, 0);
            for (var r = 0; r < rows; r++)
                for (var c = 0; c < columns; c++)
                {
                    var key = 0f;
                    if (r < k.Columns) key = At<TElement>(k, t, head, heads, r);
                    if (r == TK.Value) key = 1f;
                    var place = (r * TV.Value) + c;
                    shared[place] = (decay * shared[place]) + (key * At<TElement>(v, t, head, heads, from + c));
                }
        }

        for (var i = 0; i < rows * TV.Value; i++) shared[(rows * TV.Value) + i] = sum;
        Write<SingleElement, TV>(shared, 0, finalS, sequence, head, k.Columns, from, columns);
        Write<SingleElement, TV>(shared, TK.Value, finalz, sequence, head, 1, from, columns);
        Write<SingleElement, TV>(shared, rows, decayS, sequence, head, k.Columns, from, columns);
        Write<SingleElement, TV>(shared, rows, decayz, sequence, head, 1, from, columns);
    }

    private static float At<T>(GpuTensor tensor, long token, int head, int heads, int column)
        where T : struct, IElement => T.Read(tensor.Row<T>(token, head, heads) + (column * T.Bytes));

    private static float Decay(GpuTensor g, GpuTensor gamma, long token, int head, int heads) =>
        MathF.Exp(At<SingleElement>(g, token, head, heads, 0) + At<SingleElement>(gamma, 0, head, heads, 0));

    private static void Read<T, TV>(ArrayView<float> to, int row, GpuTensor state, long index, int head, int rows, int from, int columns)
        where T : struct, IElement
        where TV : struct, ISize
    {
        for (var r = 0; r < rows; r++)
            for (var c = 0; c < columns; c++)
            {
                var place = (((((index * state.Heads) + head) * rows) + r) * state.Columns) + from + c;
                var value = 0f;
                if (state.Address != 0) value = T.Read(state.Address + (place * T.Bytes));
                to[((row + r) * TV.Value) + c] = value;
            }
    }

    private static void Write<T, TV>(ArrayView<float> of, int row, GpuTensor state, long index, int head, int rows, int from, int columns)
        where T : struct, IElement
        where TV : struct, ISize
    {
        if (state.Address == 0) return;
        for (var r = 0; r < rows; r++)
            for (var c = 0; c < columns; c++)
            {
                var place = (((((index * state.Heads) + head) * rows) + r) * state.Columns) + from + c;
                T.Write(state.Address + (place * T.Bytes), of[((row + r) * TV.Value) + c]);
            }
    }
}
