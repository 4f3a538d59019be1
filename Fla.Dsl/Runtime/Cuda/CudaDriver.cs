using System.Runtime.InteropServices;

namespace Fla.Dsl.Runtime.Cuda;

/// <summary>What is used of the CUDA driver, by its own names.</summary>
internal static unsafe class CudaDriver
{
    private const string Library = "nvcuda";

    private static readonly Lazy<string?> Missing = new(Start);

    /// <summary>Starts the driver, once.</summary>
    /// <exception cref="CudaException">There is no driver, or it finds no device.</exception>
    public static void Require()
    {
        if (Missing.Value is { } reason) throw new CudaException(reason);
    }

    /// <summary>Turns a refusal into an exception.</summary>
    /// <param name="result">What a function of the driver returned.</param>
    /// <param name="what">What was to be done, as <c>cuModuleLoadData of Kernel</c>.</param>
    public static void Check(int result, string what)
    {
        if (result == 0) return;
        cuGetErrorName(result, out nint name);
        cuGetErrorString(result, out nint text);
        throw new CudaException(
            $"{what} failed: {Marshal.PtrToStringUTF8(name) ?? "unknown error"} ({result}), {Marshal.PtrToStringUTF8(text)}", result);
    }

    private static string? Start()
    {
        NativeLibrary.SetDllImportResolver(typeof(CudaDriver).Assembly, static (name, _, _) => name == Library ? Load() : 0);
        if (Load() == 0) return $"There is no CUDA driver on this machine: {FileName} does not load.";
        try
        {
            Check(cuInit(0), "cuInit");
            return null;
        }
        catch (CudaException e)
        {
            return e.Message;
        }
    }

    private static string FileName => OperatingSystem.IsWindows() ? "nvcuda.dll" : "libcuda.so.1";

    private static nint Load() => NativeLibrary.TryLoad(FileName, out nint library) ? library : 0;

    [DllImport(Library)]
    private static extern int cuInit(uint flags);

    [DllImport(Library)]
    private static extern int cuGetErrorName(int error, out nint name);

    [DllImport(Library)]
    private static extern int cuGetErrorString(int error, out nint text);

    [DllImport(Library)]
    public static extern int cuDriverGetVersion(out int version);

    [DllImport(Library)]
    public static extern int cuDeviceGetCount(out int count);

    [DllImport(Library)]
    public static extern int cuDeviceGet(out int device, int ordinal);

    [DllImport(Library)]
    public static extern int cuDeviceGetName(byte* name, int length, int device);

    [DllImport(Library)]
    public static extern int cuDeviceGetAttribute(out int value, CudaDeviceAttribute attribute, int device);

    [DllImport(Library)]
    public static extern int cuDevicePrimaryCtxRetain(out nint context, int device);

    [DllImport(Library)]
    public static extern int cuCtxGetCurrent(out nint context);

    [DllImport(Library, EntryPoint = "cuCtxPushCurrent_v2")]
    public static extern int cuCtxPushCurrent(nint context);

    [DllImport(Library, EntryPoint = "cuCtxPopCurrent_v2")]
    public static extern int cuCtxPopCurrent(out nint context);

    [DllImport(Library, EntryPoint = "cuLinkCreate_v2")]
    public static extern int cuLinkCreate(uint count, int* options, nint* values, out nint link);

    [DllImport(Library, EntryPoint = "cuLinkAddData_v2")]
    public static extern int cuLinkAddData(nint link, int type, byte* data, nuint size, byte* name, uint count, int* options, nint* values);

    [DllImport(Library)]
    public static extern int cuLinkComplete(nint link, out byte* cubin, out nuint size);

    [DllImport(Library)]
    public static extern int cuLinkDestroy(nint link);

    [DllImport(Library)]
    public static extern int cuModuleLoadData(out nint module, byte* image);

    [DllImport(Library)]
    public static extern int cuModuleGetFunction(out nint function, nint module, [MarshalAs(UnmanagedType.LPUTF8Str)] string name);

    [DllImport(Library)]
    public static extern int cuFuncGetAttribute(out int value, CudaFunctionAttribute attribute, nint function);

    [DllImport(Library)]
    public static extern int cuFuncSetAttribute(nint function, CudaFunctionAttribute attribute, int value);

    [DllImport(Library, EntryPoint = "cuMemGetInfo_v2")]
    public static extern int cuMemGetInfo(out nuint free, out nuint total);

    [DllImport(Library)]
    public static extern int cuEventCreate(out nint created, uint flags);

    [DllImport(Library)]
    public static extern int cuEventRecord(nint recorded, nint stream);

    [DllImport(Library)]
    public static extern int cuEventSynchronize(nint awaited);

    [DllImport(Library)]
    public static extern int cuEventElapsedTime(out float milliseconds, nint start, nint end);

    [DllImport(Library, EntryPoint = "cuEventDestroy_v2")]
    public static extern int cuEventDestroy(nint destroyed);

    [DllImport(Library)]
    public static extern int cuLaunchKernel(
        nint function, uint gridX, uint gridY, uint gridZ, uint blockX, uint blockY, uint blockZ, uint sharedBytes, nint stream,
        void** arguments, void** extra);
}

/// <summary>Properties of a device, by the driver's numbers.</summary>
internal enum CudaDeviceAttribute
{
    WarpSize = 10,
    ClockRate = 13,
    MultiprocessorCount = 16,
    MemoryClockRate = 36,
    GlobalMemoryBusWidth = 37,
    L2CacheSize = 38,
    ComputeCapabilityMajor = 75,
    ComputeCapabilityMinor = 76,
    MaxSharedMemoryPerMultiprocessor = 81,
    MaxSharedMemoryPerBlockOptin = 97,
}

/// <summary>Properties of a function, by the driver's numbers.</summary>
internal enum CudaFunctionAttribute
{
    MaxThreadsPerBlock = 0,
    SharedSizeBytes = 1,
    LocalSizeBytes = 3,
    NumRegs = 4,
    MaxDynamicSharedSizeBytes = 8,
}
