using System.Reflection;
using Fla.Dsl.Runtime.Gpu;

namespace Fla.Dsl.Runtime.Emulator;

/// <summary>
/// Runs kernels without a GPU, on tensors in main memory, one block after another with a thread of the system for each of its threads.
/// It is there to test kernels: a barrier costs milliseconds. Inside it <c>CudaAsm.IsSupported</c> is false.
/// </summary>
public sealed class EmulatedDevice : KernelDevice
{
    private EmulatedDevice()
    {
    }

    /// <summary>The emulator.</summary>
    public static EmulatedDevice Instance { get; } = new();

    /// <inheritdoc/>
    public override string Name => "emulator";

    internal override Type Block => typeof(Emulated8);

    /// <inheritdoc/>
    public override Machine Machine => Stated;

    /// <summary>What it says of itself. One block fills it, unless a test has it be larger.</summary>
    internal Machine Stated { get; set; } = new("emulator", 1, EmulatedKernel.SharedBytes, 0, 0);

    private protected override PreparedKernel Create(MethodInfo method) => new EmulatedKernel(method);
}
