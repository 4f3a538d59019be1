using Fla.Dsl.Runtime;
using Fla.Dsl.Runtime.Gpu;
using Fla.Layers.Modules;
using static TorchSharp.torch;

namespace Fla.Layers.Kernels;

/// <summary>A product with a swish gate as one kernel, and its gradients as another; nothing is kept but what it is a product of.</summary>
internal static class FusedSwishProduct
{
    private static readonly ModuleKernel Forward = new(typeof(SwishProductKernels), nameof(SwishProductKernels.Forward));
    private static readonly ModuleKernel Backward = new(typeof(SwishProductKernels), nameof(SwishProductKernels.Backward));

    /// <summary>The device whose kernels compute it; null where there are none for these tensors.</summary>
    public static KernelDevice? DeviceOf(Tensor gate, Tensor value) =>
        gate.dtype == value.dtype && gate.shape.SequenceEqual(value.shape) ? ModuleKernel.DeviceOf(gate, value) : null;

    /// <summary><c>gate sigmoid(gate) value</c></summary>
    public static Tensor Apply(KernelDevice device, Tensor gate, Tensor value) =>
        DerivedFunction.Apply(
            new Derivation(
                (inputs, _) =>
                {
                    var (a, b) = (inputs[0]!.contiguous(), inputs[1]!.contiguous());
                    var y = Unwritten.Tensor(a.shape, a.dtype, a.device);
                    Launch(Forward, device, [y, a, b]);
                    return (y, [a, b]);
                },
                (kept, gradient, wanted) =>
                {
                    var dy = gradient.contiguous();
                    var (a, b) = (kept[0]!, kept[1]!);
                    Tensor[] gradients = [Unwritten.Tensor(a.shape, a.dtype, a.device), Unwritten.Tensor(a.shape, a.dtype, a.device)];
                    Launch(Backward, device, [.. gradients, dy, a, b]);
                    return [.. gradients.Zip(wanted, (tensor, want) => want ? tensor : null)];
                }),
            gate,
            value);

    private static void Launch(ModuleKernel kernel, KernelDevice device, Tensor[] tensors)
    {
        var count = tensors[0].NumberOfElements;
        var piece = count % 8 == 0 && ModuleKernel.Aligned(tensors) ? 8 : 1;
        var blocks = checked((int)((count + (ModuleKernel.Threads * piece) - 1) / (ModuleKernel.Threads * piece)));
        kernel.Launch(
            device,
            blocks,
            [piece == 8 ? typeof(Size8) : typeof(Size1), ModuleKernel.ElementOf(tensors[0].dtype)],
            [.. tensors.Select(tensor => (KernelArgument)tensor), count]);
    }
}
