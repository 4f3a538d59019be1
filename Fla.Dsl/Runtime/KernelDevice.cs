using System.Collections.Concurrent;
using System.Reflection;
using Fla.Dsl.Runtime.Cuda;
using Fla.Dsl.Runtime.Emulator;
using Fla.Dsl.Runtime.Gpu;
using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Dsl.Runtime;

/// <summary>
/// What kernels run on. A kernel is a static method without result, over <see cref="long"/> (also for addresses), <see cref="int"/>,
/// <see cref="float"/> and <see cref="GpuTensor"/>, all of whose type arguments are given.
/// </summary>
public abstract class KernelDevice
{
    private readonly ConcurrentDictionary<MethodInfo, Lazy<PreparedKernel>> kernels = new();

    /// <summary>The device that has all of the given tensors: a CUDA device, or the emulator for those in main memory.</summary>
    /// <exception cref="ArgumentException">There are none, they lie on several devices, or no kernel can run where they lie.</exception>
    /// <exception cref="CudaException">The device does not answer.</exception>
    public static KernelDevice Of(params ReadOnlySpan<Tensor> tensors)
    {
        if (tensors.IsEmpty) throw new ArgumentException("expected at least one tensor, got none", nameof(tensors));
        var (type, index) = (tensors[0].device_type, tensors[0].device_index);
        for (int i = 1; i < tensors.Length; i++)
            if (tensors[i].device_type != type || tensors[i].device_index != index)
                throw new ArgumentException(
                    $"expected all tensors on one device, got {tensors[0].device} for the first and {tensors[i].device} for number {i + 1}",
                    nameof(tensors));
        return type switch
        {
            DeviceType.CUDA => CudaDevice.Number(index),
            DeviceType.CPU => EmulatedDevice.Instance,
            _ => throw new ArgumentException($"expected tensors on cuda or cpu, got {tensors[0].device}", nameof(tensors)),
        };
    }

    /// <summary>What the device is called.</summary>
    public abstract string Name { get; }

    /// <summary>What kernels that are generic over the block are given for it.</summary>
    internal abstract Type Block { get; }

    /// <summary>What it has to offer to kernels.</summary>
    public abstract Machine Machine { get; }

    /// <summary>A kernel ready to be launched here. The first call for a method compiles it or finds it in the cache.</summary>
    /// <exception cref="ArgumentException">The method is none that could be a kernel.</exception>
    /// <exception cref="KernelCompilationException">The compiler refuses it.</exception>
    public PreparedKernel Prepare(MethodInfo method)
    {
        var kernel = kernels.GetOrAdd(method, method => new Lazy<PreparedKernel>(() =>
        {
            Check(method);
            return Create(method);
        }));
        return kernel.Value;
    }

    /// <summary>Begins to make kernels ready, all at once, for calls of <see cref="Prepare"/> that are to come.</summary>
    internal void Begin(IEnumerable<MethodInfo> methods)
    {
        foreach (var method in methods)
            if (!kernels.ContainsKey(method)) Task.Run(() => Prepare(method));
    }

    /// <summary>Makes a method that may be a kernel ready.</summary>
    private protected abstract PreparedKernel Create(MethodInfo method);

    private static void Check(MethodInfo method)
    {
        if (!method.IsStatic || method.ReturnType != typeof(void) || method.ContainsGenericParameters)
            throw new ArgumentException(
                $"expected a static method without result, all of whose type arguments are given, got {PreparedKernel.NameOf(method)}",
                nameof(method));
        foreach (var parameter in method.GetParameters())
            if (!KernelArgument.Types.Contains(parameter.ParameterType))
                throw new ArgumentException(
                    $"expected parameters of type {string.Join(", ", KernelArgument.Types.Select(type => type.Name))}, "
                    + $"got {parameter.ParameterType} {parameter.Name} of {PreparedKernel.NameOf(method)}", nameof(method));
    }
}
