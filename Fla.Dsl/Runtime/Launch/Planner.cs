using Fla.Dsl.Runtime.Gpu;
using static TorchSharp.torch;

namespace Fla.Dsl.Runtime.Launch;

/// <summary>
/// Chooses how kernels are launched. That is asked at every call, before anything runs: the last answers are kept, and there are plain
/// loops where queries would have a hundred methods compiled at the first call of a process.
/// </summary>
internal static class Planner
{
    // 64 of a thread's 255 registers for matrices that are states: a chunk's own tiles, fragments and addresses take up to 150.
    private const int MostStateElements = 64 * GpuKernel.Threads;

    // What is spread over more blocks is done by each of them: not for the last quarter of a device.
    private const double FullEnough = 0.75;

    // Work per token grows with the chunk (C^2 (K + V)) and with the number of chunks (K V each): 64 balances them for dimensions of 64
    // to 256; the shorter one is for what the shared memory does not hold otherwise, and for short sequences.
    private static readonly int[] Chunks = [64, 32];

    // Threads that have a channel each walk token by token: a chunk is what arrives at once, and what a walk back has states of. It is the
    // longest of which a multiprocessor holds so many blocks, whose waiting overlaps.
    private const int EnoughBlocks = 3;

    private static readonly int[] ChunksOfChannels = [32, 16, 8];

    // Kernels count a sequence's tokens, and those of a chunk past its end, in 32 bits.
    private static readonly int MostTokens = int.MaxValue - Chunks[0];

    // Of a model with the same sequences in all its layers there are few.
    private static readonly Recent<Question, IReadOnlyList<LaunchPlan>?> Answers = new(32);
    private static readonly Lock Gate = new();

    /// <summary>
    /// The plans of an op's kernels; null where they cannot run. They share chunks. The fewest splits are taken whose tiles fit into
    /// shared memory, whose states fit into registers and whose blocks fill the device, and then the longest chunk.
    /// </summary>
    /// <param name="op">The recurrence.</param>
    /// <param name="backward">Its kernel for the gradients that are wanted; null if none are.</param>
    /// <param name="work">What the kernels are for.</param>
    /// <param name="device">Where they run.</param>
    /// <returns>The plan of the forward kernel, then those of the others.</returns>
    public static IReadOnlyList<LaunchPlan>? Plan(RecurrenceOp op, GpuKernel? backward, Workload work, Target device)
    {
        var question = new Question(op, backward, work, device, GpuTypes.Of(ScalarType.Float32)!);
        lock (Gate) return Answers.Of(question, Answer);
    }

    private static IReadOnlyList<LaunchPlan>? Answer(Question question)
    {
        var (op, backward, work, device, _) = question;
        if (work.Longest > MostTokens) return null;
        var program = op.Gpu!;
        var cut = Segments.Of(work, Enough(program.Forward, work, device.Machine));
        List<(GpuKernel Kernel, Workload Work)> kernels = [];
        AddWalk(program.Forward, program.Segment);
        if (backward is not null) AddWalk(backward, program.BackwardSegment);
        return program.Forward.IsByChannel ? OfChannels(kernels, device) : OfChunks(kernels, op.States, device);

        void AddWalk(GpuKernel walk, GpuKernel? segment)
        {
            kernels.Add((walk, segment is null ? work : cut));
            if (segment is not null && cut != work) kernels.Add((segment, cut));
        }
    }

    /// <summary>Of how many sequences and heads the blocks of a kernel fill a device.</summary>
    private static long Enough(GpuKernel kernel, Workload work, Machine machine) => kernel.IsByChannel
        ? machine.Multiprocessors * EnoughBlocks / Ceiling(work.Sizes[kernel.Split!], Channel.Count)
        : machine.Multiprocessors;

    private static LaunchPlan[]? OfChunks(
        List<(GpuKernel Kernel, Workload Work)> kernels, IReadOnlyList<StateVariable> states, Target device)
    {
        LaunchPlan[]? chosen = null;
        foreach (var chunk in Chunks)
        {
            if (chunk != Chunks[^1] && kernels[0].Work.Longest <= chunk / 2) continue;
            var plans = Each(kernels, (kernel, work) => OfChunks(kernel, chunk, states, work, device));
            if (plans is not null && (chosen is null || Splits(plans) < Splits(chosen))) chosen = plans;
            if (chosen is not null && Splits(chosen) == chosen.Length) break; // there are no fewer
        }

        return chosen;
    }

    private static LaunchPlan[]? OfChannels(List<(GpuKernel Kernel, Workload Work)> kernels, Target device)
    {
        LaunchPlan[]? chosen = null;
        foreach (var chunk in ChunksOfChannels)
        {
            var plans = Each(kernels, (kernel, work) => OfChannels(kernel, chunk, work, device));
            if (plans is null) continue;
            chosen = plans;
            if (Array.TrueForAll(plans, plan => plan.SharedBytes <= device.Machine.SharedBytesPerBlock / EnoughBlocks)) break;
        }

        return chosen;
    }

    /// <summary>The plans of kernels, if each has one.</summary>
    private static LaunchPlan[]? Each(List<(GpuKernel Kernel, Workload Work)> kernels, Func<GpuKernel, Workload, LaunchPlan?> choose)
    {
        var plans = new LaunchPlan[kernels.Count];
        for (var i = 0; i < plans.Length; i++)
        {
            if (choose(kernels[i].Kernel, kernels[i].Work) is not { } plan) return null;
            plans[i] = plan;
        }

        return plans;
    }

    private static int Splits(LaunchPlan[] plans)
    {
        var sum = 0;
        foreach (var plan in plans) sum += plan.Splits;
        return sum;
    }

    private static LaunchPlan? OfChunks(GpuKernel kernel, int chunk, IReadOnlyList<StateVariable> states, Workload work, Target device)
    {
        var tiles = new int[kernel.Dimensions.Count];
        for (var i = 0; i < tiles.Length; i++)
        {
            if (kernel.Dimensions[i] == kernel.Split) continue;
            if (LeastTile(work.Size(kernel.Dimensions[i])) is not { } tile) return null;
            tiles[i] = tile;
        }

        if (kernel.Split is not { } split) return Fitting(tiles);
        LaunchPlan? chosen = null;
        for (var i = GpuTypes.Sizes.Length - 1; i >= 0; i--)
        {
            // From the largest; only those than which no smaller one does with as many splits.
            var (tile, size) = (GpuTypes.Sizes[i], work.Sizes[split]);
            if (tile != LeastTile(Ceiling(size, Ceiling(size, tile)))) continue;
            if (chosen is not null
                && chosen.Blocks >= FullEnough * device.Machine.Multiprocessors && StateElements(chosen, states) <= MostStateElements)
                break;
            tiles[kernel.Place(split)] = tile;
            chosen = Fitting([.. tiles]) ?? chosen;
        }

        return chosen;

        LaunchPlan? Fitting(int[] tiles) =>
            With(kernel, chunk, tiles, work, device) is var plan && Fits(plan.SharedBytes, device) ? plan : null;
    }

    private static int StateElements(LaunchPlan plan, IReadOnlyList<StateVariable> states)
    {
        var sum = 0;
        foreach (var state in states)
        {
            if (state.Dimensions.Count < 2) continue;
            var elements = 1;
            foreach (var name in state.Dimensions) elements *= plan.Tiles[plan.Kernel.Place(name)];
            sum += elements;
        }

        return sum;
    }

    private static LaunchPlan? OfChannels(GpuKernel kernel, int chunk, Workload work, Target device)
    {
        var tiles = new int[kernel.Dimensions.Count];
        for (var i = 0; i < tiles.Length; i++)
        {
            var isSplit = kernel.Dimensions[i] == kernel.Split;
            if (!isSplit && !GpuTypes.IsFewNumbers(work.Sizes[kernel.Dimensions[i]])) return null;
            tiles[i] = isSplit ? Channel.Count : (int)work.Sizes[kernel.Dimensions[i]];
        }

        var plan = With(kernel, chunk, tiles, work, device with { Block = GpuTypes.Narrow(device.Block) });
        return Fits(plan.SharedBytes, device) ? plan : null;
    }

    private static LaunchPlan With(GpuKernel kernel, int chunk, int[] tiles, Workload work, Target device)
    {
        // With the fewest tiles ahead it takes the least shared memory.
        var block = IsAligned(kernel, work) ? GpuTypes.Aligned(device.Block) : device.Block;
        var instance = Instance(GpuTypes.Aheads[^1]);
        if (Fits(instance.SharedBytes, device))
            foreach (var ahead in GpuTypes.Aheads)
            {
                instance = Instance(ahead);
                if (Fits(instance.SharedBytes, device)) break;
            }

        var splits = kernel.Split is { } name ? (int)Ceiling(work.Sizes[name], tiles[kernel.Place(name)]) : 1;
        var blocks = work.Sequences * work.Heads * splits;
        return new(kernel, work, chunk, tiles, splits, blocks, instance.SharedBytes) { Method = instance.Method };

        GpuInstance Instance(Type ahead)
        {
            var sizes = Array.ConvertAll(tiles, GpuTypes.Of);
            return kernel.Of(new([block, GpuTypes.Of(chunk), ahead, .. sizes, GpuTypes.Of(work.Element)!, GpuTypes.Of(work.Gate)!]));
        }
    }

    private static bool IsAligned(GpuKernel kernel, Workload work)
    {
        foreach (var dimension in kernel.Dimensions)
            if (!work.IsAligned(dimension)) return false;
        return true;
    }

    private static bool Fits(int bytes, Target device) => bytes <= device.Machine.SharedBytesPerBlock;

    private static int? LeastTile(long size)
    {
        foreach (var tile in GpuTypes.Sizes)
            if (tile >= size) return tile;
        return null;
    }

    private static long Ceiling(long number, long divisor) => (number + divisor - 1) / divisor;

    /// <summary>All that an answer depends on: fp32 may be another type from one call to the next.</summary>
    private sealed record Question(RecurrenceOp Op, GpuKernel? Backward, Workload Work, Target Device, Type Single);
}

/// <summary>What kernels are planned for: a device, or one that is not here.</summary>
/// <param name="Block">What kernels are given for the block.</param>
/// <param name="Machine">What there is.</param>
internal sealed record Target(Type Block, Machine Machine);
