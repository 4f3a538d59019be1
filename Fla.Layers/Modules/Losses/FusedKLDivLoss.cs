using Fla.Dsl.Runtime;
using static TorchSharp.torch;

namespace Fla.Layers.Modules;

/// <summary>
/// The divergence of a student's probabilities from a teacher's, both given by linear maps, of whose logits only a chunk of tokens is
/// there at a time: <c>sum_i KL(teacher_i || student_i) / N</c>. Hinton et al., 2015, arXiv:1503.02531.
/// </summary>
public sealed class FusedKLDivLoss : nn.Module
{
    private const long MostChunks = 8;
    private readonly bool accumulatesInFp32;

    /// <summary>Makes one.</summary>
    /// <param name="reduction">batchmean: the sum over classes, the mean over tokens.</param>
    /// <param name="accumulateGradInFp32">Whether the map's gradient is summed over chunks in fp32.</param>
    /// <exception cref="ArgumentException">The reduction is another.</exception>
    public FusedKLDivLoss(string reduction = "batchmean", bool accumulateGradInFp32 = true)
        : base(nameof(FusedKLDivLoss))
    {
        Require.OneOf(reduction, nameof(reduction), "batchmean");
        accumulatesInFp32 = accumulateGradInFp32;
    }

    /// <summary>The loss. Gradients go to the student alone.</summary>
    /// <param name="x">The student's tokens <c>[N, H]</c>.</param>
    /// <param name="targetX">The teacher's tokens <c>[N, H']</c>.</param>
    /// <param name="weight">The student's map <c>[V, H]</c>.</param>
    /// <param name="targetWeight">The teacher's map <c>[V, H']</c>.</param>
    /// <returns>A scalar in at least fp32.</returns>
    /// <exception cref="ArgumentException">A shape does not fit, or the teacher asks for a gradient.</exception>
    public Tensor forward(Tensor x, Tensor targetX, Tensor weight, Tensor targetWeight)
    {
        CheckTokens(x, nameof(x), null);
        CheckTokens(targetX, nameof(targetX), x.shape[0]);
        LossInputs.CheckWeight(weight, nameof(weight), x);
        LossInputs.CheckWeight(targetWeight, nameof(targetWeight), targetX);
        if (targetWeight.shape[0] != weight.shape[0])
            throw new ArgumentException(
                $"{nameof(targetWeight)}: expected {weight.shape[0]} classes, came {targetWeight.shape[0]}.", nameof(targetWeight));
        foreach (var (tensor, name) in new[] { (targetX, nameof(targetX)), (targetWeight, nameof(targetWeight)) })
            if (tensor.requires_grad)
                throw new ArgumentException($"{name}: expected no gradient to be asked for, came a tensor that requires one.", name);

        return DerivedFunction.Apply(
            new Derivation(
                (inputs, wanted) => Evaluate(inputs[0]!, targetX, inputs[1]!, targetWeight, wanted),
                (gradients, upstream, _) => [.. gradients.Select(gradient => gradient?.mul(upstream.to(gradient.dtype)))]),
            x,
            weight);
    }

    private (Tensor Loss, Tensor?[] Gradients) Evaluate(Tensor x, Tensor targetX, Tensor weight, Tensor targetWeight, bool[] wanted)
    {
        using var scope = NewDisposeScope();
        var (rows, wide) = (x.shape[0], Precision.Wide(x.dtype));
        var (loss, dx) = (zeros([], wide, x.device), wanted[0] ? empty_like(x) : null);
        var dw = wanted[1] ? zeros_like(weight, accumulatesInFp32 ? wide : weight.dtype) : null;

        foreach (var (first, count) in LossInputs.Chunks(rows, weight.shape[0], x.shape[1], MostChunks))
        {
            using var inner = NewDisposeScope();
            var tokens = x.narrow(0, first, count);
            var student = Precision.Widen(nn.functional.linear(tokens, weight)).log_softmax(-1);
            var teacher = Precision.Widen(nn.functional.linear(targetX.narrow(0, first, count), targetWeight)).log_softmax(-1);
            var probabilities = teacher.exp();
            loss.add_((probabilities * (teacher - student)).sum(), Scalars.One);
            if (!wanted.Contains(true))
                continue;

            var gradient = (student.exp_() - probabilities).Times(1.0 / rows).to(x.dtype);
            dx?.narrow(0, first, count).copy_(gradient.matmul(weight));
            dw?.add_(gradient.t().matmul(tokens).to(dw.dtype), Scalars.One);
        }

        var (total, dWeight) = (loss.Times(1.0 / rows), dw?.to(weight.dtype));
        scope.MoveToOuter(new[] { total, dx, dWeight }.OfType<Tensor>());
        return (total, [dx, dWeight]);
    }

    private static void CheckTokens(Tensor tokens, string name, long? rows)
    {
        if (tokens.dim() != 2 || (rows ?? tokens.shape[0]) != tokens.shape[0] || tokens.shape[0] == 0)
            throw new ArgumentException(
                $"{name}: expected [{rows?.ToString() ?? "N"}, H], came [{string.Join(", ", tokens.shape)}].", name);
    }
}
