using System.Reflection;
using Fla.Dsl.Runtime;
using Fla.Dsl.Runtime.Cuda;
using Fla.Dsl.Runtime.Gpu;
using static TorchSharp.torch;

namespace Fla.Layers.Kernels;

/// <summary>A kernel of a module: a method that is generic over the block and over what it is launched with.</summary>
/// <param name="code">The class that has the method.</param>
/// <param name="name">The method.</param>
/// <param name="sums">Whether its threads form teams, which sum up in shared memory.</param>
internal sealed class ModuleKernel(Type code, string name, bool sums = false)
{
    /// <summary>The threads of a block: eight warps.</summary>
    public const int Threads = 256;

    // Of every CUDA device that kernels run on.
    private const int RegistersOfMultiprocessor = 65_536;

    private readonly int sharedBytes = sums ? Team<Cuda8, Size256>.ScratchBytes : 0;
    private readonly MethodInfo method = code.GetMethod(name)!;

    /// <summary>The device whose kernels compute functions of some tensors; null where TorchSharp's operations do.</summary>
    /// <param name="tensors">All that have elements; those that are not there are null.</param>
    public static KernelDevice? DeviceOf(params ReadOnlySpan<Tensor?> tensors)
    {
        Tensor? first = null;
        foreach (var tensor in tensors)
        {
            if (tensor is null) continue;
            first ??= tensor;
            if (GpuTypes.Of(tensor.dtype) is null || tensor.NumberOfElements == 0 || tensor.device_index != first.device_index
                || tensor.device_type != first.device_type) return null;
        }

        return first is null ? null : Backend.KernelsOn(first.device);
    }

    /// <summary>The type of elements that a kernel is generic over, for a type of those that <see cref="DeviceOf"/> lets pass.</summary>
    public static Type ElementOf(ScalarType type) => GpuTypes.Of(type)!;

    /// <summary>Whether 16 bytes at once can be read wherever pieces of 8 elements of these tensors begin.</summary>
    public static bool Aligned(params ReadOnlySpan<Tensor?> tensors)
    {
        foreach (var tensor in tensors)
            if (tensor is not null && TensorMemory.Pointer(tensor) % 16 != 0) return false;
        return true;
    }

    /// <summary>The address of a tensor that may not be there.</summary>
    public static long Address(Tensor? tensor) => tensor is null ? 0 : TensorMemory.Pointer(tensor);

    /// <summary>
    /// How many blocks a device runs at once, by the registers that they take: for kernels whose threads go on to further rows.
    /// </summary>
    /// <param name="device">Where.</param>
    /// <param name="types">The type arguments after the block.</param>
    public long BlocksAtOnce(KernelDevice device, ReadOnlySpan<Type> types)
    {
        var registers = Prepared(device, types) is CudaKernel kernel ? kernel.Registers * Threads : RegistersOfMultiprocessor;
        return (long)device.Machine.Multiprocessors * Math.Max(1, RegistersOfMultiprocessor / registers);
    }

    /// <summary>Launches it.</summary>
    /// <param name="device">Where.</param>
    /// <param name="blocks">How many blocks.</param>
    /// <param name="types">The type arguments after the block.</param>
    /// <param name="arguments">What the method takes.</param>
    public void Launch(KernelDevice device, Dim3 blocks, ReadOnlySpan<Type> types, params ReadOnlySpan<KernelArgument> arguments)
    {
        Prepared(device, types).Launch(blocks, Threads, sharedBytes, arguments);
    }

    private PreparedKernel Prepared(KernelDevice device, ReadOnlySpan<Type> types) =>
        device.Prepare(method.MakeGenericMethod([device.Block, .. types]));
}
