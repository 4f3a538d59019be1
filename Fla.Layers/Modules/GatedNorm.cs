using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Fla.Layers.Modules;

/// <summary>
/// A normalisation of the last dimension and a gate after it: <c>y = norm(x) * weight + bias</c>, then <c>y * g * sigmoid(g)</c>
/// (swish) or <c>y * sigmoid(g)</c>. Computed in fp32 (fp64 for fp64) and rounded once.
/// </summary>
public abstract class GatedNorm : nn.Module<Tensor, Tensor, Tensor>
{
    /// <summary><c>[hiddenSize]</c>, ones at first; null without elementwise affine.</summary>
    public Parameter? weight;

    /// <summary><c>[hiddenSize]</c>, zeros at first; null where there is none.</summary>
    public Parameter? bias;

    private readonly long hiddenSize;
    private readonly string activation;
    private readonly NormFunction function;

    private protected GatedNorm(
        string name, long hiddenSize, bool elementwiseAffine, bool bias, Normalisation normalisation, string activation)
        : base(name)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(hiddenSize);
        if (activation is not ("swish" or "silu" or "sigmoid"))
            throw new ArgumentException($"{nameof(activation)}: expected swish, silu or sigmoid, came {activation}.", nameof(activation));

        (this.hiddenSize, this.activation) = (hiddenSize, activation);
        function = new(normalisation, activation == "sigmoid" ? NormGate.Sigmoid : NormGate.Swish);
        if (elementwiseAffine)
            register_parameter(nameof(weight), weight = new Parameter(ones(hiddenSize)));
        if (bias)
            register_parameter(nameof(bias), this.bias = new Parameter(zeros(hiddenSize)));
    }

    /// <summary>Normalises and gates.</summary>
    /// <param name="x"><c>[.., hiddenSize]</c>.</param>
    /// <param name="g">The gate, not normalised: shaped as x.</param>
    /// <returns>The same shape, in the type of x.</returns>
    /// <exception cref="ArgumentException">The gate's shape is another.</exception>
    public override Tensor forward(Tensor x, Tensor g)
    {
        Check(x, g);
        return function.Apply(x, g, weight, bias);
    }

    /// <summary>Adds to the residual, normalises the sum and gates it (prenorm).</summary>
    /// <param name="x"><c>[.., hiddenSize]</c>.</param>
    /// <param name="g">The gate: shaped as x.</param>
    /// <param name="residual">The sum so far, shaped as x; x begins one where it is null.</param>
    /// <param name="residualInFp32">Whether the sum is given back in fp32; else it has the residual's type.</param>
    /// <returns>The normalised, gated sum in the type of x, and the sum.</returns>
    /// <exception cref="ArgumentException">The gate's shape is another.</exception>
    public (Tensor Output, Tensor Residual) forward(Tensor x, Tensor g, Tensor? residual, bool residualInFp32 = false)
    {
        Check(x, g);
        return function.Apply(x, residual, residualInFp32, g, weight, bias);
    }

    /// <summary>PyTorch's line for it.</summary>
    public override string ToString() =>
        $"{GetName()}({hiddenSize}{(weight is null ? ", elementwise_affine=False" : "")}, " +
        $"eps={PythonText.Of(function.Normalisation.Eps)}, activation={activation})";

    /// <summary>A linear map of the normalised, gated values, which are computed again in the backward pass instead of kept.</summary>
    private protected Tensor Mapped(Tensor x, Tensor g, Tensor linearWeight, Tensor? linearBias)
    {
        Check(x, g);
        return Recomputation.Of(
            inputs =>
            {
                using var scope = NewDisposeScope();
                var gated = function.Apply(Precision.ToBeRoundedTo(linearWeight.dtype, inputs[0]!), inputs[1], inputs[2], inputs[3]);
                return scope.MoveToOuter(nn.functional.linear(gated.to(linearWeight.dtype), inputs[4]!, inputs[5]));
            },
            x,
            g,
            weight,
            bias,
            linearWeight,
            linearBias);
    }

    private static void Check(Tensor x, Tensor g)
    {
        if (!g.shape.SequenceEqual(x.shape))
            throw new ArgumentException(
                $"{nameof(g)}: expected [{string.Join(", ", x.shape)}] as x, came [{string.Join(", ", g.shape)}].", nameof(g));
    }
}
