using Fla.Dsl.Runtime.Cuda;
using Fla.Dsl.Runtime.Emulator;
using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Dsl.Runtime;

/// <summary>What evaluates that for which there are kernels: <c>FLA_BACKEND</c>, which is looked at in every call.</summary>
/// <remarks>
/// Unset, CUDA tensors go to kernels and others to TorchSharp. <c>torch</c>: all go to TorchSharp. <c>gpu</c>: as unset, but tensors
/// that do not lie on a CUDA device are refused. <c>emulator</c>: tensors in main memory go to the kernels, which the emulator runs, and
/// others are refused.
/// </remarks>
public static class Backend
{
    /// <summary>The environment variable's name.</summary>
    public const string Variable = "FLA_BACKEND";

    // Tensor cores for bf16, and copies to shared memory that nobody waits for.
    private static readonly (int, int) Oldest = (8, 0);

    /// <summary>What runs kernels on tensors that lie on a device; null where TorchSharp is to do.</summary>
    /// <exception cref="ArgumentException">The variable has no such value, or what it names does not run there.</exception>
    /// <exception cref="CudaException">The CUDA device does not answer.</exception>
    public static KernelDevice? KernelsOn(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        var asked = Environment.GetEnvironmentVariable(Variable);
        switch (asked)
        {
            case null or "":
                return device.type == DeviceType.CUDA ? CapableOf(device) : null;
            case "torch":
                return null;
            case "gpu" when device.type == DeviceType.CUDA:
                return CapableOf(device) ?? throw new ArgumentException(
                    $"{Variable}=gpu: kernels are for compute capability {Oldest} and up, which {device} has not", nameof(device));
            case "emulator" when device.type == DeviceType.CPU:
                return EmulatedDevice.Instance;
            case "gpu" or "emulator":
                var where = asked == "gpu" ? $"on cuda{(cuda.is_available() ? "" : ", of which PyTorch finds none,")}" : "on cpu";
                throw new ArgumentException($"{Variable}={asked}: expected tensors {where}; got them on {device}", nameof(device));
            default:
                throw new ArgumentException($"{Variable}: expected torch, gpu, emulator or nothing, got '{asked}'", nameof(device));
        }
    }

    private static CudaDevice? CapableOf(Device device)
    {
        var cuda = CudaDevice.Number(Math.Max(device.index, 0));
        return cuda.ComputeCapability.CompareTo(Oldest) >= 0 ? cuda : null;
    }
}
