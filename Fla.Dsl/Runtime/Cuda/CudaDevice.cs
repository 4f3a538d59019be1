using System.Collections.Concurrent;
using System.Reflection;
using System.Text;
using Fla.Dsl.Runtime.Cuda.Ptx;
using Fla.Dsl.Runtime.Gpu;

namespace Fla.Dsl.Runtime.Cuda;

/// <summary>A CUDA device, in the context in which PyTorch has its tensors.</summary>
public sealed unsafe class CudaDevice : KernelDevice
{
    private static readonly ConcurrentDictionary<int, Lazy<CudaDevice>> Devices = new();

    private readonly int handle;
    private readonly nint context;

    private CudaDevice(int ordinal)
    {
        Ordinal = ordinal;
        CudaDriver.Require();
        CudaDriver.Check(CudaDriver.cuDeviceGetCount(out int count), "cuDeviceGetCount");
        if (ordinal < 0 || ordinal >= count)
            throw new ArgumentException($"expected one of {count} CUDA devices, got number {ordinal}", nameof(ordinal));
        CudaDriver.Check(CudaDriver.cuDeviceGet(out handle, ordinal), $"cuDeviceGet of {ordinal}");
        CudaDriver.Check(CudaDriver.cuDevicePrimaryCtxRetain(out context, handle), $"cuDevicePrimaryCtxRetain of device {ordinal}");

        const int longest = 256;
        byte* name = stackalloc byte[longest];
        CudaDriver.Check(CudaDriver.cuDeviceGetName(name, longest, handle), $"cuDeviceGetName of device {ordinal}");
        Name = Encoding.UTF8.GetString(name, new ReadOnlySpan<byte>(name, longest).IndexOf((byte)0));
        CudaDriver.Check(CudaDriver.cuDriverGetVersion(out int version), "cuDriverGetVersion");
        DriverVersion = version;
        var (major, minor) = (CudaDeviceAttribute.ComputeCapabilityMajor, CudaDeviceAttribute.ComputeCapabilityMinor);
        ComputeCapability = (Attribute(major), Attribute(minor));
        Multiprocessors = Attribute(CudaDeviceAttribute.MultiprocessorCount);
        SharedBytesPerMultiprocessor = Attribute(CudaDeviceAttribute.MaxSharedMemoryPerMultiprocessor);
        SharedBytesPerBlock = Attribute(CudaDeviceAttribute.MaxSharedMemoryPerBlockOptin);
        CacheBytes = Attribute(CudaDeviceAttribute.L2CacheSize);

        // Two transfers a clock, of as many bits as the bus is wide; the clock is in kHz.
        double bits = 2 * 1000.0 * Attribute(CudaDeviceAttribute.MemoryClockRate) * Attribute(CudaDeviceAttribute.GlobalMemoryBusWidth);
        BytesPerSecond = bits / 8;
        Machine = new(Name, Multiprocessors, SharedBytesPerBlock, BytesPerSecond, FlopsPerSecond());
    }

    /// <summary>The device of that number, as PyTorch and the driver count.</summary>
    /// <exception cref="ArgumentException">There is no such device.</exception>
    /// <exception cref="CudaException">There is no driver, or it refuses.</exception>
    public static CudaDevice Number(int ordinal) => // An exception is not kept: the next call asks again.
        Devices.GetOrAdd(ordinal, number => new(() => new CudaDevice(number), LazyThreadSafetyMode.PublicationOnly)).Value;

    /// <summary>Its number.</summary>
    public int Ordinal { get; }

    /// <inheritdoc/>
    public override string Name { get; }

    /// <summary>The newest CUDA that the driver knows, 1000 times the major version and 10 times the minor one.</summary>
    public int DriverVersion { get; }

    /// <summary>Its compute capability: (9, 0) for an H100.</summary>
    public (int Major, int Minor) ComputeCapability { get; }

    /// <summary>How many multiprocessors it has.</summary>
    public int Multiprocessors { get; }

    /// <summary>The shared memory of a multiprocessor, in bytes.</summary>
    public int SharedBytesPerMultiprocessor { get; }

    /// <summary>The most shared memory that a block may have, in bytes.</summary>
    public int SharedBytesPerBlock { get; }

    /// <summary>Its second-level cache, in bytes.</summary>
    public int CacheBytes { get; }

    /// <summary>What its memory could deliver, in bytes per second; 0 where the driver does not tell its clock.</summary>
    public double BytesPerSecond { get; }

    internal override Type Block => typeof(Cuda8);

    /// <inheritdoc/>
    public override Machine Machine { get; }

    /// <summary>What kernels are written for.</summary>
    internal PtxTarget Target => PtxTarget.For(ComputeCapability.Major * 10 + ComputeCapability.Minor);

    /// <summary>How much of its memory nobody has, in bytes. What PyTorch keeps for later is not free.</summary>
    public long FreeBytes()
    {
        using var context = Enter();
        CudaDriver.Check(CudaDriver.cuMemGetInfo(out nuint free, out _), $"cuMemGetInfo of device {Ordinal}");
        return (long)free;
    }

    private protected override PreparedKernel Create(MethodInfo method) => CudaKernel.Load(this, method, KernelCache.Default);

    /// <summary>Makes the device's context the thread's until that is disposed of, and leaves the thread's own as it was.</summary>
    internal Scope Enter()
    {
        CudaDriver.Check(CudaDriver.cuCtxPushCurrent(context), $"cuCtxPushCurrent for device {Ordinal}");
        return default;
    }

    /// <summary>The time for which a thread is in a device's context.</summary>
    internal readonly ref struct Scope
    {
        public void Dispose() => CudaDriver.cuCtxPopCurrent(out _);
    }

    // Dense bf16 products; the rates a clock are those of NVIDIA's data sheets, and the clock is in kHz.
    private double FlopsPerSecond() => 1000.0 * Attribute(CudaDeviceAttribute.ClockRate) * Multiprocessors * ComputeCapability switch
    {
        ( >= 10, _) => 8192,
        (9, _) => 4096,
        (8, 0) => 2048,
        _ => 1024,
    };

    private int Attribute(CudaDeviceAttribute attribute)
    {
        CudaDriver.Check(
            CudaDriver.cuDeviceGetAttribute(out int value, attribute, handle), $"cuDeviceGetAttribute {attribute} of device {Ordinal}");
        return value;
    }
}
