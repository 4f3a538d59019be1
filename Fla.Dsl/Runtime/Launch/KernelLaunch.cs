using Fla.Dsl.Runtime.Gpu;
using static TorchSharp.torch;

namespace Fla.Dsl.Runtime.Launch;

/// <summary>The tensors that a kernel is launched with, by what they are. They are to live until then.</summary>
internal sealed class KernelLaunch(RecurrenceCall call, LaunchPlan plan)
{
    // There is one, whatever it is called.
    private const string Output = "";

    private readonly Dictionary<GpuParameter, GpuTensor> tensors = [];

    /// <summary>Adds what is per token, <c>[B, T, heads, columns]</c>.</summary>
    public void AddTokens(GpuRole role, string name, Tensor tensor) =>
        tensors.Add(new(role, name), new(TensorMemory.Pointer(tensor), (int)tensor.size(2), (int)tensor.size(3)));

    /// <summary>Adds what is of the output, <c>[B, T, heads, columns]</c>.</summary>
    public void AddTokens(GpuRole role, Tensor tensor) => AddTokens(role, Output, tensor);

    /// <summary>Adds what is per head, <c>[.., heads, R, C]</c>; null where there is none.</summary>
    public void AddPerHead(GpuRole role, string name, Tensor? tensor)
    {
        if (tensor is null) return;
        var columns = (int)(tensor.size(-2) * tensor.size(-1));
        tensors.Add(new(role, name), new(TensorMemory.Pointer(tensor), (int)tensor.size(-3), columns));
    }

    /// <summary>Adds what is of the i-th state, <c>[.., H, R, C]</c>; null where there is none.</summary>
    public void AddState(GpuRole role, int i, Tensor? tensor)
    {
        var address = tensor is null ? 0 : TensorMemory.Pointer(tensor);
        tensors.Add(new(role, call.Op.States[i].Name), new(address, (int)call.Heads, (int)call.States[i].Canonical[^1]));
    }

    /// <summary>Launches the kernel.</summary>
    /// <param name="device">Where the tensors lie.</param>
    /// <param name="sequences">The sequences' table.</param>
    public void Run(KernelDevice device, Tensor sequences)
    {
        var parameters = plan.Kernel.Parameters;
        var arguments = new KernelArgument[parameters.Count + 3];
        for (var i = 0; i < parameters.Count; i++)
            arguments[i] = IsScale(parameters[i]) ? (float)call.Scale : tensors.GetValueOrDefault(Key(parameters[i]));
        arguments[^3] = sequences;
        arguments[^2] = (int)call.Heads;
        arguments[^1] = plan.Splits;
        device.Prepare(plan.Method).Launch((int)plan.Blocks, plan.Threads, plan.SharedBytes, arguments);
    }

    private bool IsScale(GpuParameter parameter) => parameter.Role == GpuRole.Argument
        && call.Op.Arguments.Any(argument => argument.Role == ArgumentRole.Scale && argument.Name == parameter.Name);

    private static GpuParameter Key(GpuParameter parameter) =>
        parameter.Role is GpuRole.Output or GpuRole.OutputGradient ? parameter with { Name = Output } : parameter;
}
