using Fla.Dsl.Runtime;
using Fla.Layers.Kernels;
using static TorchSharp.torch;

namespace Fla.Layers.Modules;

/// <summary>
/// What the loss of one token consists of, for logits x after scaling and capping:
/// <c>lse(x) - (1 - smoothing) x_y - smoothing mean(x) + lseSquareScale lse(x)^2</c>, 0 where y is ignored; and its gradient.
/// </summary>
internal sealed record CrossEntropyTerms(
    long IgnoreIndex, double LabelSmoothing, double LogitScale, double? LogitSoftcapping, double LseSquareScale = 0)
{
    /// <summary>Checks the settings.</summary>
    /// <exception cref="ArgumentException">One is out of range.</exception>
    public CrossEntropyTerms Checked()
    {
        if (LabelSmoothing is not (>= 0 and <= 1))
            throw new ArgumentException($"labelSmoothing: expected a share from 0 to 1, came {LabelSmoothing}.", "labelSmoothing");
        if (LogitSoftcapping is not (null or > 0))
            throw new ArgumentException(
                $"logitSoftcapping: expected a bound above 0 or none, came {LogitSoftcapping}.", "logitSoftcapping");
        return this;
    }

    /// <summary>Which targets count, of <c>[N]</c>.</summary>
    /// <exception cref="ArgumentException">One that counts is no class.</exception>
    public Tensor Counted(Tensor target, long classes)
    {
        using var scope = NewDisposeScope();
        var counted = target.ne(Scalars.Of(IgnoreIndex));
        var strange = (target.lt(Scalars.Zero) | target.ge(Scalars.Of(classes))) & counted;
        if (strange.any().item<bool>())
            throw new ArgumentException(
                $"target: expected classes from 0 to {classes - 1} or {IgnoreIndex}, came {target.masked_select(strange)[0].item<long>()}.",
                "target");

        return scope.MoveToOuter(counted);
    }

    /// <summary>The loss of each row.</summary>
    /// <param name="logits"><c>[n, V]</c>, of any type.</param>
    /// <param name="target"><c>[n]</c>, int64.</param>
    /// <param name="counted">Which targets count: <c>[n]</c>.</param>
    /// <returns>The loss <c>[n]</c>, of it what lse^2 makes, and lse(x), each in at least fp32.</returns>
    public (Tensor Loss, Tensor ZLoss, Tensor Lse) Losses(Tensor logits, Tensor target, Tensor counted)
    {
        if (ModuleKernel.DeviceOf(logits) is { } device)
            return FusedCrossEntropy.Losses(device, this, logits, target);

        using var scope = NewDisposeScope();
        var x = Scaled(logits);
        var lse = x.logsumexp(-1);
        var own = x.gather(-1, Classes(target, counted)).squeeze(-1);
        var z = (lse * lse).Times(LseSquareScale);
        var loss = (lse - own.Times(1 - LabelSmoothing)).Plus(z);
        if (LabelSmoothing > 0)
            loss = loss - x.mean([-1]).Times(LabelSmoothing);
        var none = zeros_like(lse);
        return scope.MoveToOuter(where(counted, loss, none), where(counted, z, none), lse);
    }

    /// <summary>Writes the gradient of the logits.</summary>
    /// <param name="result">Where to, <c>[n, V]</c>, of any type; it may be the logits.</param>
    /// <param name="logits"><c>[n, V]</c>, of any type.</param>
    /// <param name="target"><c>[n]</c>.</param>
    /// <param name="lse">As <see cref="Losses"/> gave it: <c>[n]</c>.</param>
    /// <param name="upstream">The gradient of each row's loss, 0 where it does not count: <c>[n]</c>.</param>
    public void Gradient(Tensor result, Tensor logits, Tensor target, Tensor lse, Tensor upstream)
    {
        if (result.is_contiguous() && ModuleKernel.DeviceOf(logits, result) is { } device)
        {
            FusedCrossEntropy.Gradient(device, this, result, logits, target, lse, upstream);
            return;
        }

        using var scope = NewDisposeScope();
        var x = Scaled(logits);
        var counted = upstream.ne(Scalars.Zero);
        var gradient = (x - lse.unsqueeze(-1)).exp_();
        if (LseSquareScale != 0)
            gradient.mul_(lse.Times(2 * LseSquareScale).Plus(1).unsqueeze(-1));
        if (LabelSmoothing > 0)
            gradient.sub_(Scalars.Of(LabelSmoothing / logits.shape[1]));

        var classes = Classes(target, counted);
        gradient.scatter_add_(-1, classes, full_like(classes, Scalars.Of(LabelSmoothing - 1), x.dtype));
        gradient.mul_(upstream.Times(LogitScale).unsqueeze(-1));
        if (LogitSoftcapping is { } cap)
        {
            var bent = x.Times(1 / cap);
            gradient.mul_((bent * bent).Complement());
        }

        result.copy_(gradient);
    }

    private Tensor Scaled(Tensor logits)
    {
        var x = Precision.Widen(logits);
        if (LogitScale != 1)
            x = x.Times(LogitScale);
        return LogitSoftcapping is { } cap ? x.Times(1 / cap).tanh().Times(cap) : x;
    }

    // An ignored row has no class; any will do, for its weight is 0.
    private static Tensor Classes(Tensor target, Tensor counted) => (target * counted.to(target.dtype)).unsqueeze(-1);
}
