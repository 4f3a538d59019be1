using System.Reflection;
using Fla.Dsl.Runtime.Cuda;
using ILGPU;
using ILGPU.Backends;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;

namespace Fla.Dsl.Runtime.Emulator;

/// <summary>A kernel that the emulator runs, compiled for each number of warps that it is launched with.</summary>
internal sealed class EmulatedKernel : PreparedKernel
{
    /// <summary>The shared memory of a block: as on an H100, so that what runs here has a device to run on.</summary>
    public const int SharedBytes = 227 * 1024;

    private readonly MethodInfo method;
    private readonly Dictionary<int, (CPUAccelerator Warps, Kernel Kernel)> compiled = [];

    public EmulatedKernel(MethodInfo method)
        : base(method) => this.method = method;

    /// <summary>As on any GPU.</summary>
    public override int MostThreads => 1024;

    /// <inheritdoc/>
    public override int MostSharedBytes => SharedBytes;

    private protected override void Run(Dim3 grid, int block, int sharedBytes, ReadOnlySpan<KernelArgument> arguments)
    {
        object[] boxed = new object[arguments.Length];
        for (int i = 0; i < boxed.Length; i++) boxed[i] = arguments[i].Boxed;
        lock (Warps.Gate)
        {
            var (warps, kernel) = Compiled(block);
            var (blocks, threads) = (new Index3D(grid.X, grid.Y, grid.Z), new Index3D(block, 1, 1));
            var config = sharedBytes == 0
                ? new KernelConfig(blocks, threads)
                : new KernelConfig(blocks, threads, SharedMemoryConfig.RequestDynamic<byte>(sharedBytes));
            kernel.Launch(warps.DefaultStream, config, boxed);
            warps.Synchronize();
        }
    }

    private (CPUAccelerator Warps, Kernel Kernel) Compiled(int block)
    {
        if (compiled.TryGetValue(block, out var known)) return known;
        try
        {
            var warps = Warps.Of(block);
            return compiled[block] = (warps, warps.LoadKernel(Translation.Run(method, warps.GetBackend())));
        }
        catch (Exception e)
        {
            Warps.Drop(block);
            throw new KernelCompilationException($"{Name} cannot be compiled for the emulator: {KernelCompiler.Reason(e)}", e);
        }
    }
}
