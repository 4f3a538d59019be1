using System.Diagnostics;
using Fla.Dsl.Runtime.Cuda;

namespace Fla.Dsl.Runtime.Launch;

/// <summary>What a first call takes more than others: the time until its kernels are ready.</summary>
/// <param name="Forward">
/// In seconds, where no kernel is kept on disk: until those of the forward pass are compiled and loaded. The others are so beside them.
/// </param>
/// <param name="Both">In seconds, where none is kept: until those of the gradients are, too.</param>
/// <param name="Cached">In seconds, where all are kept: until they are found and loaded.</param>
public sealed record FirstCall(double Forward, double Both, double Cached)
{
    /// <summary>
    /// Measures it: on an empty folder, and then on what that holds. What this process has not done before counts, too: the compiler's own
    /// code is compiled with the first kernel.
    /// </summary>
    /// <param name="op">The op.</param>
    /// <param name="work">What it is called for, with all gradients.</param>
    /// <param name="device">Where.</param>
    /// <returns>Null where there are no kernels for it.</returns>
    /// <exception cref="KernelCompilationException">A kernel cannot be compiled.</exception>
    public static FirstCall? Of(RecurrenceOp op, Workload work, CudaDevice device)
    {
        ArgumentNullException.ThrowIfNull(op);
        ArgumentNullException.ThrowIfNull(work);
        ArgumentNullException.ThrowIfNull(device);
        var folder = Directory.CreateTempSubdirectory("fla-kernels-");
        try
        {
            return Ready() is { } cold && Ready() is { } cached ? new(cold.Forward, cold.Both, cached.Both) : null;
        }
        finally
        {
            folder.Delete(recursive: true);
        }

        (double Forward, double Both)? Ready()
        {
            var start = Stopwatch.GetTimestamp();
            var plans = LaunchPlan.Of(op, work, device.Machine, perHead: true);
            if (plans.Count == 0) return null;
            var cache = new KernelCache(folder.FullName);
            double[] seconds = new double[plans.Count];
            Parallel.For(0, seconds.Length, i =>
            {
                CudaKernel.Load(device, plans[i].Method, cache);
                seconds[i] = Stopwatch.GetElapsedTime(start).TotalSeconds;
            });
            var forward = seconds.Where((_, i) => plans[i].Kernel == op.Gpu!.Forward || plans[i].Kernel == op.Gpu.Segment);
            return (forward.Max(), seconds.Max());
        }
    }
}
