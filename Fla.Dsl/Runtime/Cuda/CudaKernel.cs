using System.Reflection;

namespace Fla.Dsl.Runtime.Cuda;

/// <summary>
/// A kernel loaded on a CUDA device. It is launched on the default stream, which is PyTorch's current one: TorchSharp has no others.
/// </summary>
public sealed unsafe class CudaKernel : PreparedKernel
{
    // What a block may have of dynamic shared memory without being asked for.
    private const int UnaskedSharedBytes = 48 * 1024;

    private readonly CudaDevice device;
    private readonly nint function;
    private int allowed = UnaskedSharedBytes;

    private CudaKernel(CudaDevice device, MethodInfo method, CompiledKernel compiled)
        : base(method)
    {
        this.device = device;
        using var context = device.Enter();
        fixed (byte* cubin = compiled.Cubin)
        {
            CudaDriver.Check(CudaDriver.cuModuleLoadData(out nint module, cubin), $"cuModuleLoadData of {Name}");
            CudaDriver.Check(CudaDriver.cuModuleGetFunction(out function, module, compiled.EntryPoint), $"cuModuleGetFunction of {Name}");
        }
        Registers = Attribute(CudaFunctionAttribute.NumRegs);
        LocalBytes = Attribute(CudaFunctionAttribute.LocalSizeBytes);
        MostThreads = Attribute(CudaFunctionAttribute.MaxThreadsPerBlock);
        MostSharedBytes = device.SharedBytesPerBlock - Attribute(CudaFunctionAttribute.SharedSizeBytes);
    }

    /// <summary>How many registers a thread takes.</summary>
    public int Registers { get; }

    /// <summary>How much memory of its own a thread has, in bytes: what did not fit into registers.</summary>
    public int LocalBytes { get; }

    /// <inheritdoc/>
    public override int MostThreads { get; }

    /// <inheritdoc/>
    public override int MostSharedBytes { get; }

    /// <summary>Takes a method's kernel from the cache, or compiles it into the cache.</summary>
    internal static CudaKernel Load(CudaDevice device, MethodInfo method, KernelCache cache)
    {
        var key = KernelKey.Of(method, device);
        if (cache.Find(key) is { } found)
        {
            try
            {
                return new CudaKernel(device, method, found);
            }
            catch (CudaException)
            {
                // Whole, and yet not to this driver's liking: compiled anew below.
            }
        }
        var compiled = CudaLinker.Link(device, KernelCompiler.Compile(method, device.Target), NameOf(method));
        cache.Keep(key, compiled);
        return new CudaKernel(device, method, compiled);
    }

    private protected override void Run(Dim3 grid, int block, int sharedBytes, ReadOnlySpan<KernelArgument> arguments)
    {
        using var context = device.Enter();
        if (sharedBytes > allowed)
        {
            CudaDriver.Check(
                CudaDriver.cuFuncSetAttribute(function, CudaFunctionAttribute.MaxDynamicSharedSizeBytes, sharedBytes),
                $"{sharedBytes} bytes of dynamic shared memory for {Name}");
            allowed = sharedBytes;
        }
        void** addresses = stackalloc void*[arguments.Length];
        fixed (KernelArgument* first = arguments)
        {
            for (int i = 0; i < arguments.Length; i++) addresses[i] = first + i;
            int result = CudaDriver.cuLaunchKernel(
                function, (uint)grid.X, (uint)grid.Y, (uint)grid.Z, (uint)block, 1, 1, (uint)sharedBytes, 0, addresses, null);
            if (result == 0) return;
            CudaDriver.Check(result, $"{Name} with {grid} blocks of {block} threads and {sharedBytes} bytes of dynamic shared memory");
        }
    }

    private int Attribute(CudaFunctionAttribute attribute)
    {
        CudaDriver.Check(CudaDriver.cuFuncGetAttribute(out int value, attribute, function), $"cuFuncGetAttribute {attribute} of {Name}");
        return value;
    }
}
