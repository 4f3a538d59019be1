using Fla.Dsl.Runtime;
using Fla.Dsl.Runtime.Gpu;
using Fla.Layers.Modules;
using static TorchSharp.torch;

namespace Fla.Layers.Kernels;

/// <summary><see cref="CrossEntropyTerms"/> by kernels that read the logits once for the loss and once for the gradient.</summary>
internal static class FusedCrossEntropy
{
    private static readonly ModuleKernel LossKernel = new(typeof(CrossEntropyKernels), nameof(CrossEntropyKernels.Losses), sums: true);
    private static readonly ModuleKernel GradientKernel = new(typeof(CrossEntropyKernels), nameof(CrossEntropyKernels.Gradient));

    /// <summary>As <see cref="CrossEntropyTerms.Losses"/>.</summary>
    public static (Tensor Loss, Tensor ZLoss, Tensor Lse) Losses(
        KernelDevice device, CrossEntropyTerms terms, Tensor logits, Tensor target)
    {
        using var scope = NewDisposeScope();
        var (x, classes) = (logits.contiguous(), target.contiguous());
        Tensor[] results = [Row(), Row(), Row()];
        LossKernel.Launch(
            device, (int)x.shape[0], [Piece(x), ModuleKernel.ElementOf(x.dtype)],
            [
                results[0], results[1], results[2], x, classes, (int)x.shape[1], terms.IgnoreIndex,
                (float)terms.LogitScale, (float)(terms.LogitSoftcapping ?? 0), (float)terms.LabelSmoothing, (float)terms.LseSquareScale,
            ]);
        scope.MoveToOuter(results);
        return (results[0], results[1], results[2]);

        Tensor Row() => Unwritten.Tensor([x.shape[0]], ScalarType.Float32, x.device);
    }

    /// <summary>As <see cref="CrossEntropyTerms.Gradient"/>.</summary>
    public static void Gradient(
        KernelDevice device, CrossEntropyTerms terms, Tensor gradient, Tensor logits, Tensor target, Tensor lse, Tensor upstream)
    {
        using var scope = NewDisposeScope();
        var (x, classes, factors) = (logits.contiguous(), target.contiguous(), upstream.to(ScalarType.Float32).contiguous());
        GradientKernel.Launch(
            device, (int)x.shape[0], [Piece(x, gradient), ModuleKernel.ElementOf(x.dtype), ModuleKernel.ElementOf(gradient.dtype)],
            [
                gradient, x, classes, lse.contiguous(), factors, (int)x.shape[1],
                (float)terms.LogitScale, (float)(terms.LogitSoftcapping ?? 0), (float)terms.LabelSmoothing, (float)terms.LseSquareScale,
            ]);
    }

    private static Type Piece(params ReadOnlySpan<Tensor?> tensors) =>
        tensors[0]!.shape[1] % 8 == 0 && ModuleKernel.Aligned(tensors) ? typeof(Size8) : typeof(Size1);
}
