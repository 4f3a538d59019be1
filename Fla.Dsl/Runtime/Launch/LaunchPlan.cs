using System.Reflection;
using Fla.Dsl.Runtime.Cuda;
using Fla.Dsl.Runtime.Cuda.Ptx;
using Fla.Dsl.Runtime.Gpu;
using static TorchSharp.torch;

namespace Fla.Dsl.Runtime.Launch;

/// <summary>How a kernel is launched on a device for a workload: chosen from shapes alone, nothing is tried out.</summary>
/// <param name="Kernel">The kernel.</param>
/// <param name="Work">What it is for.</param>
/// <param name="Chunk">Tokens in a chunk.</param>
/// <param name="Tiles">The size of a block's tiles along each of the kernel's dimensions, in their order.</param>
/// <param name="Splits">Over how many blocks the columns of a sequence and head are spread.</param>
/// <param name="Blocks">How many blocks there are.</param>
/// <param name="SharedBytes">The shared memory of a block.</param>
public sealed record LaunchPlan(
    GpuKernel Kernel, Workload Work, int Chunk, IReadOnlyList<int> Tiles, int Splits, long Blocks, int SharedBytes)
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

    /// <summary>Threads of a block.</summary>
    public int Threads => Kernel.IsByChannel ? Channel.Count : GpuKernel.Threads;

    /// <summary>What is launched: the kernel's method with its type arguments.</summary>
    public required MethodInfo Method { get; init; }

    /// <summary>
    /// The plans of a recurrence's forward kernel and, if there is one, backward kernel on a CUDA device, and where sequences are cut into
    /// segments of the kernel that comes first; empty where they cannot run.
    /// </summary>
    /// <param name="op">The recurrence.</param>
    /// <param name="work">What they are for.</param>
    /// <param name="machine">The device, which need not be here.</param>
    /// <param name="perHead">Whether the gradients of arguments per head are wanted, too.</param>
    public static IReadOnlyList<LaunchPlan> Of(RecurrenceOp op, Workload work, Machine machine, bool perHead = false)
    {
        var backward = op.Gpu?.BackwardFor(perHead);
        return op.Gpu is null ? [] : Choose(op, backward, work, new(typeof(Cuda8), machine)) ?? [];
    }

    /// <summary>
    /// The plans of an op's kernels; null where they cannot run. They share chunks. The fewest splits are taken whose tiles fit into
    /// shared memory, whose states fit into registers and whose blocks fill the device, and then the longest chunk.
    /// </summary>
    /// <param name="op">The recurrence.</param>
    /// <param name="backward">Its kernel for the gradients that are wanted; null if none are.</param>
    /// <param name="work">What the kernels are for.</param>
    /// <param name="device">Where they run.</param>
    /// <returns>The plan of the forward kernel, then those of the others.</returns>
    internal static IReadOnlyList<LaunchPlan>? Choose(RecurrenceOp op, GpuKernel? backward, Workload work, Target device)
    {
        var program = op.Gpu!;
        var cut = Segments.Of(work, Enough(program.Forward, work, device.Machine));
        List<(GpuKernel Kernel, Workload Work)> kernels = [];
        AddWalk(program.Forward, program.Segment);
        if (backward is not null) AddWalk(backward, program.BackwardSegment);
        if (program.Forward.IsByChannel)
        {
            var candidates = ChunksOfChannels
                .Select(chunk => kernels.Select(kernel => OfChannels(kernel.Kernel, chunk, kernel.Work, device)).ToArray())
                .Where(plans => plans.All(plan => plan is not null)).ToArray();
            var most = device.Machine.SharedBytesPerBlock / EnoughBlocks;
            return (candidates.FirstOrDefault(plans => plans.All(plan => plan!.SharedBytes <= most)) ?? candidates.LastOrDefault())!;
        }

        var chunks = Chunks.Where(chunk => chunk == Chunks[^1] || kernels[0].Work.Longest > chunk / 2);
        return chunks.Select(chunk => kernels.Select(kernel => Choose(kernel.Kernel, chunk, op.States, kernel.Work, device)).ToArray())
            .Where(plans => plans.All(plan => plan is not null))
            .MinBy(plans => plans.Sum(plan => plan!.Splits))!;

        void AddWalk(GpuKernel walk, GpuKernel? segment)
        {
            kernels.Add((walk, segment is null ? work : cut));
            if (segment is not null && cut != work) kernels.Add((segment, cut));
        }
    }

    /// <summary>
    /// How many registers a thread takes, and how many bytes of memory for what does not fit into them: from a CUDA device that compiles
    /// the kernel, or else from NVIDIA's <c>ptxas</c> for an H100; null without either.
    /// </summary>
    /// <exception cref="KernelCompilationException">The kernel cannot be compiled.</exception>
    public (int Registers, int LocalBytes)? Resources(CudaDevice? device)
    {
        if (device is not null)
        {
            var kernel = (CudaKernel)device.Prepare(Method);
            return (kernel.Registers, kernel.LocalBytes);
        }

        if (Ptxas.Program is null) return null;
        const int H100 = 90;
        var (stack, _, registers) = Ptxas.Assemble(KernelCompiler.Compile(Method, PtxTarget.For(H100)).Text);
        return (registers, stack);
    }

    /// <summary>The type in which the states carried into chunks are kept: vectors lose nothing, as logarithms and divisors may be such.</summary>
    internal ScalarType TypeOfKept(StateVariable state) => state.Dimensions.Count == 1 ? ScalarType.Float32 : Work.Element;

    /// <summary>What it moves to and from memory at least, in bytes.</summary>
    public long Bytes(RecurrenceOp op) => Traffic.Of(op, this);

    /// <summary>The operations of its matrix products.</summary>
    public double Flops()
    {
        double Size(string dimension) => dimension == "C" ? Chunk : Work.Sizes[dimension];
        double Times(params string[] dimensions) => dimensions.Contains(Kernel.Split) ? 1 : Splits;
        var chunk = Kernel.Products.Sum(product =>
            2 * Size(product.Rows) * Size(product.Columns) * Size(product.Inner) * Times(product.Rows, product.Columns, product.Inner));
        return chunk * Work.Rows(Chunk)[^1] * Work.Heads;
    }

    private static LaunchPlan? Choose(GpuKernel kernel, int chunk, IReadOnlyList<StateVariable> states, Workload work, Target device)
    {
        LaunchPlan? chosen = null;
        foreach (var split in SplitTiles(kernel, work))
        {
            var tiles = kernel.Dimensions.Select(name => name == kernel.Split ? split : LeastTile(work.Size(name))).ToArray();
            if (tiles.Any(tile => tile is null)) continue;
            if (chosen is not null
                && chosen.Blocks >= FullEnough * device.Machine.Multiprocessors && StateElements(chosen) <= MostStateElements)
                break;
            var plan = With(kernel, chunk, [.. tiles.Select(tile => tile!.Value)], work, device);
            if (plan.SharedBytes <= device.Machine.SharedBytesPerBlock) chosen = plan;
        }

        return chosen;

        int StateElements(LaunchPlan plan) => states.Where(state => state.Dimensions.Count > 1).Sum(state =>
            state.Dimensions.Aggregate(1, (product, name) => product * plan.Tiles[kernel.Place(name)]));
    }

    /// <summary>Of how many sequences and heads the blocks of a kernel fill a device.</summary>
    private static long Enough(GpuKernel kernel, Workload work, Machine machine) => kernel.IsByChannel
        ? machine.Multiprocessors * EnoughBlocks / Ceiling(work.Sizes[kernel.Split!], Channel.Count)
        : machine.Multiprocessors;

    private static LaunchPlan? OfChannels(GpuKernel kernel, int chunk, Workload work, Target device)
    {
        if (!kernel.Dimensions.All(name => name == kernel.Split || GpuTypes.IsFewNumbers(work.Sizes[name]))) return null;
        int[] tiles = [.. kernel.Dimensions.Select(name => name == kernel.Split ? Channel.Count : (int)work.Sizes[name])];
        var plan = With(kernel, chunk, tiles, work, device with { Block = GpuTypes.Narrow(device.Block) });
        return plan.SharedBytes <= device.Machine.SharedBytesPerBlock ? plan : null;
    }

    // From the largest; only those than which no smaller one does with as many splits.
    private static IEnumerable<int?> SplitTiles(GpuKernel kernel, Workload work)
    {
        if (kernel.Split is null) return [null];
        var size = work.Sizes[kernel.Split];
        return GpuTypes.Sizes.Reverse().Cast<int?>().Where(tile => tile == LeastTile(Ceiling(size, Ceiling(size, tile!.Value))));
    }

    private static long Ceiling(long number, long divisor) => (number + divisor - 1) / divisor;

    private static int? LeastTile(long size) => GpuTypes.Sizes.Cast<int?>().FirstOrDefault(tile => tile >= size);

    private static LaunchPlan With(GpuKernel kernel, int chunk, int[] tiles, Workload work, Target device)
    {
        var block = kernel.Dimensions.All(name => work.IsAligned(name)) ? GpuTypes.Aligned(device.Block) : device.Block;
        GpuInstance Instance(Type ahead) => kernel.Of(new(
            block, GpuTypes.Of(chunk), ahead, [.. tiles.Select(GpuTypes.Of)], GpuTypes.Of(work.Element)!, GpuTypes.Of(work.Gate)!));
        bool Fits(GpuInstance instance) => instance.SharedBytes <= device.Machine.SharedBytesPerBlock;
        var least = Instance(GpuTypes.Aheads[^1]);
        var instance = Fits(least) ? GpuTypes.Aheads.Select(Instance).First(Fits) : least;
        var splits = kernel.Split is { } name ? (int)Ceiling(work.Sizes[name], tiles[kernel.Place(name)]) : 1;
        var blocks = work.Sequences * work.Heads * splits;
        return new(kernel, work, chunk, tiles, splits, blocks, instance.SharedBytes) { Method = instance.Method };
    }
}

/// <summary>What kernels are planned for: a device, or one that is not here.</summary>
/// <param name="Block">What kernels are given for the block.</param>
/// <param name="Machine">What there is.</param>
internal sealed record Target(Type Block, Machine Machine);
