using Fla.Dsl.Runtime;
using Fla.Dsl.Runtime.Gpu;
using Fla.Layers.Modules;
using static TorchSharp.torch;

namespace Fla.Layers.Kernels;

/// <summary>The turning of a rotary embedding as one kernel; its gradients are turned back by the same.</summary>
internal static class FusedRotation
{
    private static readonly ModuleKernel Kernel = new(typeof(RotationKernel), nameof(RotationKernel.Turn));

    /// <summary>Turns the first channels of each head, and leaves the others as they are.</summary>
    /// <param name="device">What <see cref="ModuleKernel.DeviceOf"/> gave for x and the angles.</param>
    /// <param name="x"><c>[B, T, H, D]</c>.</param>
    /// <param name="cosine"><c>[B or 1, T, 1, pairs]</c>, fp32.</param>
    /// <param name="sine">The same.</param>
    /// <param name="interleaved">Whether channels (2i, 2i + 1) make a pair; otherwise (i, i + pairs).</param>
    /// <returns>The same shape and type as x.</returns>
    public static Tensor Apply(KernelDevice device, Tensor x, Tensor cosine, Tensor sine, bool interleaved) =>
        DerivedFunction.Apply(
            new Derivation(
                (inputs, _) =>
                {
                    using var scope = NewDisposeScope();
                    Tensor[] angles = [cosine.contiguous(), sine.contiguous()];
                    var y = Turned(device, inputs[0]!, angles, interleaved, 1f);
                    scope.MoveToOuter([y, .. angles]);
                    return (y, angles);
                },
                (angles, gradient, _) => [Turned(device, gradient, angles!, interleaved, -1f)]),
            x);

    private static Tensor Turned(KernelDevice device, Tensor values, Tensor?[] angles, bool interleaved, float direction)
    {
        using var scope = NewDisposeScope();
        var x = values.contiguous();
        var (heads, columns, pairs) = (x.shape[2], x.shape[3], angles[0]!.shape[^1]);
        var y = Unwritten.Tensor(x.shape, x.dtype, x.device);
        if (columns > 2 * pairs)
            y.narrow(-1, 2 * pairs, columns - (2 * pairs)).copy_(x.narrow(-1, 2 * pairs, columns - (2 * pairs)));

        var wide = pairs % 8 == 0 && columns % 8 == 0 && ModuleKernel.Aligned(x, angles[0], angles[1]);
        var rows = x.NumberOfElements / columns;
        var threads = checked((int)(rows * pairs / (wide ? 8 : 1)));
        Kernel.Launch(
            device,
            (threads + ModuleKernel.Threads - 1) / ModuleKernel.Threads,
            [wide ? typeof(Size8) : typeof(Size1), ModuleKernel.ElementOf(x.dtype)],
            y, x, angles[0]!, angles[1]!, (int)rows, (int)heads, (int)columns, (int)pairs, (int)(angles[0]!.NumberOfElements / pairs),
            interleaved ? 1 : 0, direction);
        return scope.MoveToOuter(y);
    }
}
