using Fla.Dsl.Runtime;
using static TorchSharp.torch;

namespace Fla.Layers.Modules;

/// <summary>
/// Cross entropy of a linear map's output, of whose logits only a chunk of tokens is there at a time: the gradients are formed along
/// with the loss, and the backward pass only scales them. Wijmans et al., 2024, arXiv:2411.09009, have the case for it.
/// </summary>
public sealed class FusedLinearCrossEntropyLoss : nn.Module<Tensor, Tensor, Tensor, Tensor>
{
    private readonly CrossEntropyTerms terms;
    private readonly long chunks;
    private readonly bool mean, warps, accumulatesInFp32;
    private readonly double penalty;

    /// <summary>Makes one.</summary>
    /// <param name="ignoreIndex">The target of what does not count.</param>
    /// <param name="labelSmoothing">The share of a target that is spread over all classes.</param>
    /// <param name="logitScale">What logits are multiplied by.</param>
    /// <param name="logitSoftcapping">The bound c that <c>c tanh(x / c)</c> keeps logits within; null for none.</param>
    /// <param name="numChunks">Into how many chunks tokens are cut at most.</param>
    /// <param name="reduction">mean (over what counts) or sum.</param>
    /// <param name="useL2warp">Whether each token's largest logit is pushed down by its size, in the gradient alone (RWKV).</param>
    /// <param name="l2PenaltyFactor">How strongly.</param>
    /// <param name="accumulateGradInFp32">Whether the map's gradient is summed over chunks in fp32.</param>
    /// <exception cref="ArgumentException">A setting is out of range.</exception>
    public FusedLinearCrossEntropyLoss(
        long ignoreIndex = -100,
        double labelSmoothing = 0,
        double logitScale = 1,
        double? logitSoftcapping = null,
        long numChunks = 8,
        string reduction = "mean",
        bool useL2warp = false,
        double l2PenaltyFactor = 1e-4,
        bool accumulateGradInFp32 = true)
        : base(nameof(FusedLinearCrossEntropyLoss))
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(numChunks);
        mean = Require.OneOf(reduction, nameof(reduction), "mean", "sum") == "mean";
        (chunks, warps, penalty, accumulatesInFp32) = (numChunks, useL2warp, l2PenaltyFactor, accumulateGradInFp32);
        terms = new CrossEntropyTerms(ignoreIndex, labelSmoothing, logitScale, logitSoftcapping).Checked();
    }

    /// <summary>The loss of a map without a bias.</summary>
    /// <param name="x"><c>[.., H]</c>.</param>
    /// <param name="target">The classes, int64, as many as x has vectors.</param>
    /// <param name="weight">The map <c>[V, H]</c>.</param>
    /// <returns>A scalar in at least fp32; NaN for the mean where nothing counts.</returns>
    public override Tensor forward(Tensor x, Tensor target, Tensor weight) => forward(x, target, weight, null);

    /// <summary>The loss.</summary>
    /// <param name="x"><c>[.., H]</c>.</param>
    /// <param name="target">The classes, int64, as many as x has vectors.</param>
    /// <param name="weight">The map <c>[V, H]</c>.</param>
    /// <param name="bias">Its bias <c>[V]</c> or null.</param>
    /// <returns>A scalar in at least fp32; NaN for the mean where nothing counts.</returns>
    /// <exception cref="ArgumentException">A shape, type or class does not fit.</exception>
    public Tensor forward(Tensor x, Tensor target, Tensor weight, Tensor? bias)
    {
        LossInputs.CheckWeight(weight, nameof(weight), x);
        if (bias is not null && !bias.shape.SequenceEqual([weight.shape[0]]))
            throw new ArgumentException(
                $"{nameof(bias)}: expected [{weight.shape[0]}], came [{string.Join(", ", bias.shape)}].", nameof(bias));

        using var scope = NewDisposeScope();
        var (tokens, classes) = (x.reshape(-1, x.shape[^1]), target.flatten());
        LossInputs.CheckTarget(classes, tokens.shape[0]);
        var counted = terms.Counted(classes, weight.shape[0]);
        return scope.MoveToOuter(DerivedFunction.Apply(
            new Derivation(
                (inputs, wanted) => Evaluate(inputs[0]!, inputs[1]!, inputs[2], classes, counted, wanted),
                (gradients, upstream, _) => [.. gradients.Select(gradient => gradient?.mul(upstream.to(gradient.dtype)))]),
            tokens,
            weight,
            bias));
    }

    private (Tensor Loss, Tensor?[] Gradients) Evaluate(
        Tensor x, Tensor weight, Tensor? bias, Tensor target, Tensor counted, bool[] wanted)
    {
        using var scope = NewDisposeScope();
        var wide = Precision.Wide(x.dtype);
        var total = counted.sum(type: ScalarType.Int64);
        var share = mean ? counted.to(wide) / total.clamp_min(Scalars.One).to(wide) : counted.to(wide);
        var (loss, dx) = (zeros([], wide, x.device), wanted[0] ? empty_like(x) : null);
        var dw = wanted[1] ? zeros_like(weight, accumulatesInFp32 ? wide : weight.dtype) : null;
        var db = wanted[2] ? zeros_like(bias!, wide) : null;

        foreach (var (first, count) in LossInputs.Chunks(x.shape[0], weight.shape[0], x.shape[1], chunks))
        {
            using var inner = NewDisposeScope();
            var (tokens, classes, part) = (x.narrow(0, first, count), target.narrow(0, first, count), share.narrow(0, first, count));
            var logits = nn.functional.linear(tokens, weight, bias);
            var (losses, _, lse) = terms.Losses(logits, classes, counted.narrow(0, first, count));
            loss.add_(losses.sum(), Scalars.One);
            if (!wanted.Contains(true))
                continue;

            // What is added to it, or summed up of it, is rounded afterwards.
            var gradient = empty_like(logits, warps || db is not null ? wide : x.dtype);
            terms.Gradient(gradient, logits, classes, lse, part);
            if (warps)
                L2Warp.AddTo(gradient, logits, penalty / x.shape[0]);
            var rounded = gradient.to(x.dtype);
            dx?.narrow(0, first, count).copy_(rounded.matmul(weight));
            dw?.add_(rounded.t().matmul(tokens).to(dw.dtype), Scalars.One);
            db?.add_(gradient.sum([0L]), Scalars.One);
        }

        var (result, dWeight, dBias) = (mean ? loss / total.to(wide) : loss, dw?.to(weight.dtype), db?.to(bias!.dtype));
        scope.MoveToOuter(new[] { result, dx, dWeight, dBias }.OfType<Tensor>());
        return (result, [dx, dWeight, dBias]);
    }
}
