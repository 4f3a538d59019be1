using Fla.Dsl.Runtime;
using Fla.Layers.Kernels;
using static TorchSharp.torch;

namespace Fla.Layers.Modules;

/// <summary>
/// Cross entropy of logits, which keeps no probabilities for the backward pass: with label smoothing, scaled and capped logits, and a
/// penalty on their size (z-loss; Chowdhery et al., 2022, arXiv:2204.02311, section 5).
/// </summary>
public sealed class FusedCrossEntropyLoss : nn.Module<Tensor, Tensor, Tensor>
{
    // Without a kernel a chunk of rows is computed at a time, in fp32: 64 MiB of logits.
    private const long ChunkElements = 1 << 24;

    private readonly CrossEntropyTerms terms;
    private readonly string reduction;
    private readonly bool inplaceBackward;

    /// <summary>Makes one.</summary>
    /// <param name="ignoreIndex">The target of what does not count.</param>
    /// <param name="reduction">mean (over what counts), sum or none.</param>
    /// <param name="labelSmoothing">The share of a target that is spread over all classes.</param>
    /// <param name="logitScale">What logits are multiplied by.</param>
    /// <param name="lseSquareScale">The weight of the squared log-sum-exp of the logits.</param>
    /// <param name="logitSoftcapping">The bound c that <c>c tanh(x / c)</c> keeps logits within; null for none.</param>
    /// <param name="inplaceBackward">Whether the gradient is written over the logits: half the memory, and one backward pass only.</param>
    /// <exception cref="ArgumentException">A setting is out of range.</exception>
    public FusedCrossEntropyLoss(
        long ignoreIndex = -100,
        string reduction = "mean",
        double labelSmoothing = 0,
        double logitScale = 1,
        double lseSquareScale = 0,
        double? logitSoftcapping = null,
        bool inplaceBackward = false)
        : base(nameof(FusedCrossEntropyLoss))
    {
        this.reduction = Require.OneOf(reduction, nameof(reduction), "mean", "sum", "none");
        this.inplaceBackward = inplaceBackward;
        terms = new CrossEntropyTerms(ignoreIndex, labelSmoothing, logitScale, logitSoftcapping, lseSquareScale).Checked();
    }

    /// <summary>The loss.</summary>
    /// <param name="input">The logits <c>[N, V]</c>.</param>
    /// <param name="target">The classes <c>[N]</c>, int64.</param>
    /// <returns>A scalar, or <c>[N]</c> without reduction, in at least fp32; NaN for the mean where nothing counts.</returns>
    /// <exception cref="ArgumentException">A shape, type or class does not fit.</exception>
    public override Tensor forward(Tensor input, Tensor target)
    {
        var (loss, z) = WithZLoss(input, target);
        z.Dispose();
        return loss;
    }

    /// <summary>The loss, and what the penalty makes of it, which has no gradient of its own.</summary>
    /// <param name="input">The logits <c>[N, V]</c>.</param>
    /// <param name="target">The classes <c>[N]</c>, int64.</param>
    /// <returns>Both as <see cref="forward"/> gives the loss.</returns>
    /// <exception cref="ArgumentException">A shape, type or class does not fit.</exception>
    public (Tensor Loss, Tensor ZLoss) WithZLoss(Tensor input, Tensor target)
    {
        if (input.dim() != 2)
            throw new ArgumentException($"{nameof(input)}: expected [N, V], came [{string.Join(", ", input.shape)}].", nameof(input));
        LossInputs.CheckTarget(target, input.shape[0]);

        using var scope = NewDisposeScope();
        var counted = terms.Counted(target, input.shape[1]);
        var count = counted.sum(type: ScalarType.Int64);
        Tensor? z = null;
        var loss = DerivedFunction.Apply(
            new Derivation(
                (inputs, _) =>
                {
                    var (losses, zLosses, lse) = Evaluate(inputs[0]!, target, counted);
                    z = Reduced(zLosses, count).DetachFromDisposeScope();
                    return (Reduced(losses, count), [inputs[0], target, counted, count, lse]);
                },
                (kept, gradient, _) => [Gradient(kept[0]!, kept[1]!, kept[2]!, kept[3]!, kept[4]!, gradient)]),
            input);
        scope.Attach(z!);
        return scope.MoveToOuter(loss, z!);
    }

    private (Tensor Losses, Tensor ZLosses, Tensor Lse) Evaluate(Tensor logits, Tensor target, Tensor counted)
    {
        using var scope = NewDisposeScope();
        var parts = Chunks(logits)
            .Select(chunk => terms.Losses(Rows(logits, chunk), Rows(target, chunk), Rows(counted, chunk)))
            .ToArray();
        return scope.MoveToOuter(
            cat([.. parts.Select(part => part.Loss)]),
            cat([.. parts.Select(part => part.ZLoss)]),
            cat([.. parts.Select(part => part.Lse)]));
    }

    private Tensor Gradient(Tensor logits, Tensor target, Tensor counted, Tensor count, Tensor lse, Tensor gradient)
    {
        using var scope = NewDisposeScope();
        var shared = reduction == "mean" ? gradient / count.clamp_min(Scalars.One).to(gradient.dtype) : gradient;
        var upstream = shared * counted.to(gradient.dtype);
        var result = inplaceBackward ? logits.detach().alias() : empty_like(logits);
        foreach (var chunk in Chunks(logits))
        {
            using var inner = NewDisposeScope();
            terms.Gradient(Rows(result, chunk), Rows(logits, chunk), Rows(target, chunk), Rows(lse, chunk), Rows(upstream, chunk));
        }

        return scope.MoveToOuter(result);
    }

    private Tensor Reduced(Tensor losses, Tensor count) => reduction switch
    {
        "mean" => losses.sum() / count.to(losses.dtype),
        "sum" => losses.sum(),
        _ => losses.alias(),
    };

    private static Tensor Rows(Tensor tensor, (long First, long Count) chunk) => tensor.narrow(0, chunk.First, chunk.Count);

    private static IEnumerable<(long First, long Count)> Chunks(Tensor logits) =>
        LossInputs.Chunks(
            logits.shape[0], Math.Max(1, ModuleKernel.DeviceOf(logits) is null ? ChunkElements / logits.shape[1] : logits.shape[0]));
}
