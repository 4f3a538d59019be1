using ILGPU;
using ILGPU.Runtime.CPU;

namespace Fla.Dsl.Runtime.Emulator;

/// <summary>The emulated multiprocessors: one for each size of block that was launched, with as many threads of the system.</summary>
internal static class Warps
{
    private const int ThreadsOfWarp = 32;

    private static readonly Dictionary<int, (Context Context, CPUAccelerator Accelerator)> Started = [];

    /// <summary>Held while one is looked for or used: they run one kernel at a time.</summary>
    public static Lock Gate { get; } = new();

    /// <summary>The one for blocks of so many threads.</summary>
    public static CPUAccelerator Of(int block)
    {
        if (!Started.TryGetValue(block, out var started))
        {
            var device = new CPUDevice(ThreadsOfWarp, block / ThreadsOfWarp, 1);
            // What runs is the method itself; ILGPU reads it for nothing but the shared memory that it asks for.
            var context = Context.Create(builder => builder.CPU(device).Optimize(OptimizationLevel.O0).Inlining(InliningMode.Aggressive));
            Started[block] = started = (context, context.CreateCPUAccelerator(0, CPUAcceleratorMode.Parallel));
        }
        return started.Accelerator;
    }

    /// <summary>
    /// Starts anew for blocks of so many threads: a context in which one method has failed fails for all that come after it. What it
    /// has compiled before still runs.
    /// </summary>
    public static void Drop(int block) => Started.Remove(block);
}
