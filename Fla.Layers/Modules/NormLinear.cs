using static TorchSharp.torch;

namespace Fla.Layers.Modules;

/// <summary>
/// A normalisation and a linear map after it, whose weights are another module's. What is normalised is computed again in the backward
/// pass instead of kept.
/// </summary>
public abstract class NormLinear : Norm
{
    private protected NormLinear(string name, long hiddenSize, bool elementwiseAffine, bool bias, Normalisation normalisation)
        : base(name, hiddenSize, elementwiseAffine, bias, normalisation)
    {
    }

    /// <summary>Normalises and maps.</summary>
    /// <param name="x"><c>[.., hiddenSize]</c>.</param>
    /// <param name="linearWeight"><c>[output, hiddenSize]</c>.</param>
    /// <param name="linearBias"><c>[output]</c> or null.</param>
    /// <returns><c>[.., output]</c>, in the type of the weight.</returns>
    public Tensor forward(Tensor x, Tensor linearWeight, Tensor? linearBias) =>
        Apply(Function, x, weight, bias, linearWeight, linearBias);

    /// <summary>Adds to the residual, and normalises and maps the sum (prenorm).</summary>
    /// <param name="x"><c>[.., hiddenSize]</c>.</param>
    /// <param name="linearWeight"><c>[output, hiddenSize]</c>.</param>
    /// <param name="linearBias"><c>[output]</c> or null.</param>
    /// <param name="residual">The sum so far, shaped as x; x begins one where it is null.</param>
    /// <param name="residualInFp32">Whether the sum is given back in fp32; else it has the residual's type.</param>
    /// <returns>The mapped sum, in the type of the weight, and the sum.</returns>
    public (Tensor Output, Tensor Residual) forward(
        Tensor x, Tensor linearWeight, Tensor? linearBias, Tensor? residual, bool residualInFp32 = false)
    {
        using var scope = NewDisposeScope();
        var sum = residual is null ? Precision.Widen(x) : Precision.Widen(x).Plus(Precision.Widen(residual));
        var kept = residualInFp32 ? sum.alias() : sum.to((residual ?? x).dtype).alias();
        return scope.MoveToOuter(forward(sum, linearWeight, linearBias), kept);
    }

    /// <summary>The same for a given norm.</summary>
    internal static Tensor Apply(
        NormFunction norm, Tensor x, Tensor? normWeight, Tensor? normBias, Tensor linearWeight, Tensor? linearBias) =>
        Recomputation.Of(
            inputs =>
            {
                using var scope = NewDisposeScope();
                var normed = norm.Apply(Precision.ToBeRoundedTo(linearWeight.dtype, inputs[0]!), null, inputs[1], inputs[2]);
                return scope.MoveToOuter(nn.functional.linear(normed.to(linearWeight.dtype), inputs[3]!, inputs[4]));
            },
            x,
            normWeight,
            normBias,
            linearWeight,
            linearBias);
}
