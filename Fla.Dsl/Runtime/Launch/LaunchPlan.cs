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
        return op.Gpu is null ? [] : Planner.Plan(op, backward, work, new(typeof(Cuda8), machine)) ?? [];
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

    /// <summary>
    /// The type in which the states carried into chunks are kept: vectors lose nothing, as logarithms and divisors may be such.
    /// </summary>
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
}
