using Fla.Dsl.Runtime;
using Fla.Dsl.Runtime.Gpu;
using Fla.Layers.Modules;
using static TorchSharp.torch;

namespace Fla.Layers.Kernels;

/// <summary>A causal depthwise convolution with its activation as one kernel, its gradients as another; only what came is kept.</summary>
internal static class FusedConvolution
{
    // What a segment reads beyond its own tokens is to be little.
    private const long LeastSegment = 16;

    // The slots of a thread; shorter filters have weights of 0.
    private const int Taps = 4;

    private static readonly ModuleKernel Forward = new(typeof(ConvolutionKernels), nameof(ConvolutionKernels.Forward));
    private static readonly ModuleKernel Backward = new(typeof(ConvolutionKernels), nameof(ConvolutionKernels.Backward));

    /// <summary>The device whose kernels compute it; null where there are none for these tensors.</summary>
    public static KernelDevice? DeviceOf(Tensor x, Tensor weight, Tensor? bias) =>
        weight.shape[2] <= Taps && (bias is null || bias.dtype == weight.dtype) ? ModuleKernel.DeviceOf(x, weight, bias) : null;

    /// <summary>The convolution of sequences that nothing came before.</summary>
    /// <param name="device">What <see cref="DeviceOf"/> gave.</param>
    /// <param name="x"><c>[B, T, D]</c>.</param>
    /// <param name="weight"><c>[D, 1, W]</c>, the current token last.</param>
    /// <param name="bias"><c>[D]</c> or null.</param>
    /// <param name="swish">Whether the sum is multiplied by its sigmoid.</param>
    /// <param name="positions">For packed sequences, batch 1: the position of each token in its own, <c>int32 [T]</c>.</param>
    /// <returns><c>[B, T, D]</c> in the type of x.</returns>
    public static Tensor Apply(KernelDevice device, Tensor x, Tensor weight, Tensor? bias, bool swish, Tensor? positions)
    {
        var (length, channels, width) = (x.shape[1], x.shape[2], weight.shape[2]);
        var tokens = x.shape[0] * length;
        return DerivedFunction.Apply(
            new Derivation(
                (inputs, _) =>
                {
                    using var scope = NewDisposeScope();
                    Tensor?[] own = [.. inputs.Select(input => input?.contiguous()), positions?.alias()];
                    var y = Unwritten.Tensor(own[0]!.shape, own[0]!.dtype, own[0]!.device);
                    var (types, blocks, segment, _) = Shape(Forward, 8, own, y);
                    Forward.Launch(device, blocks, types, [y, .. Arguments(own, segment)]);
                    scope.MoveToOuter([y, .. own.OfType<Tensor>()]);
                    return (y, own);
                },
                (kept, gradient, wanted) =>
                {
                    using var scope = NewDisposeScope();
                    var (dy, x) = (gradient.contiguous(), kept[0]!);
                    var dx = Unwritten.Tensor(x.shape, x.dtype, x.device);
                    var (types, blocks, segment, segments) = Shape(Backward, 4, kept, dy);
                    var dweight = wanted[1] ? Unwritten.Tensor([segments, Taps, channels], ScalarType.Float32, x.device) : null;
                    var dbias = wanted[2] ? Unwritten.Tensor([segments, channels], ScalarType.Float32, x.device) : null;
                    Backward.Launch(
                        device,
                        blocks,
                        types,
                        [dx, ModuleKernel.Address(dweight), ModuleKernel.Address(dbias), dy, .. Arguments(kept, segment)]);
                    Tensor?[] results =
                    [
                        wanted[0] ? dx : null,
                        dweight?.sum([0L]).narrow(0, 0, width).flip(0).t().unsqueeze(1).to(kept[1]!.dtype),
                        dbias?.sum([0L]).to(kept[2]!.dtype),
                    ];
                    scope.MoveToOuter(results.OfType<Tensor>());
                    return results;
                }),
            x,
            weight,
            bias);

        // Twice the threads that the device runs at once, each with a segment of the tokens.
        (Type[] Types, int Blocks, long Segment, long Segments) Shape(ModuleKernel kernel, int most, Tensor?[] kept, Tensor other)
        {
            var piece = channels % 8 == 0 && ModuleKernel.Aligned(kept[0], other) ? most : 1;
            var (types, pieces) = (Types(piece, kept), channels / piece);
            var segments = Math.Max(1, 2 * kernel.BlocksAtOnce(device, types) * ModuleKernel.Threads / pieces);
            var segment = Math.Max(LeastSegment, (((tokens + segments - 1) / segments) + Taps - 1) / Taps * Taps);
            segments = (tokens + segment - 1) / segment;
            return (types, checked((int)(((segments * pieces) + ModuleKernel.Threads - 1) / ModuleKernel.Threads)), segment, segments);
        }

        KernelArgument[] Arguments(Tensor?[] kept, long segment) =>
        [
            kept[0]!, kept[1]!, ModuleKernel.Address(kept[2]), ModuleKernel.Address(kept[3]),
            tokens, length, (int)channels, (int)width, (int)segment, swish ? 1 : 0,
        ];
    }

    private static Type[] Types(int piece, Tensor?[] kept) =>
    [
        typeof(Size4),
        piece == 8 ? typeof(Size8) : piece == 4 ? typeof(Size4) : typeof(Size1),
        ModuleKernel.ElementOf(kept[0]!.dtype),
        ModuleKernel.ElementOf(kept[1]!.dtype),
    ];
}
