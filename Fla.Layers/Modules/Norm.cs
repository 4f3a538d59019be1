using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Fla.Layers.Modules;

/// <summary>
/// A normalisation of the last dimension, with the residual sum of a transformer block before it: <c>s = x + residual</c>,
/// <c>y = norm(s) * weight + bias</c>. Computed in fp32 (fp64 for fp64) and rounded once.
/// </summary>
public abstract class Norm : nn.Module<Tensor, Tensor>
{
    /// <summary><c>[hiddenSize]</c>, ones at first; null without elementwise affine.</summary>
    public Parameter? weight;

    /// <summary><c>[hiddenSize]</c>, zeros at first; null where there is none.</summary>
    public Parameter? bias;

    private protected Norm(string name, long hiddenSize, bool elementwiseAffine, bool bias, Normalisation normalisation)
        : base(name)
    {
        if (hiddenSize < 1) throw new ArgumentException($"expected a positive size, came {hiddenSize}", nameof(hiddenSize));
        (HiddenSize, ElementwiseAffine, Function) = (hiddenSize, elementwiseAffine, new(normalisation));
        if (elementwiseAffine) register_parameter(nameof(weight), weight = new Parameter(ones(hiddenSize)));
        if (bias) register_parameter(nameof(bias), this.bias = new Parameter(zeros(hiddenSize)));
    }

    /// <summary>The size of the last dimension.</summary>
    public long HiddenSize { get; }

    /// <summary>Whether there is a weight.</summary>
    public bool ElementwiseAffine { get; }

    /// <summary>What is added to the mean square, so that zeros can be normalised.</summary>
    public double Eps => Function.Normalisation.Eps;

    /// <summary>Whether FLA has its own module here; else it has PyTorch's, which computes the same and prints otherwise.</summary>
    internal bool Fused { get; init; } = true;

    /// <summary>Normalises.</summary>
    /// <param name="x"><c>[..., hiddenSize]</c></param>
    /// <returns>The same shape and type.</returns>
    public override Tensor forward(Tensor x) => Function.Apply(x, gate: null, weight, bias);

    /// <summary>Adds to the residual, and normalises the sum (prenorm).</summary>
    /// <param name="x"><c>[..., hiddenSize]</c></param>
    /// <param name="residual">The sum so far, of the same shape; x begins one where it is null.</param>
    /// <param name="residualInFp32">Whether the sum is given back in fp32; else it has the residual's type.</param>
    /// <returns>The normalised sum in the type of x, and the sum.</returns>
    public (Tensor Output, Tensor Residual) forward(Tensor x, Tensor? residual, bool residualInFp32 = false) =>
        Function.Apply(x, residual, residualInFp32, gate: null, weight, bias);

    /// <summary>The name, the size and what differs from the defaults, as PyTorch prints them.</summary>
    public override string ToString() => Fused
        ? $"{GetName()}({HiddenSize}{(ElementwiseAffine ? "" : ", elementwise_affine=False")}, eps={PythonText.Of(Eps)})"
        : $"{GetName()}(({HiddenSize},), eps={PythonText.Of(Eps)}, elementwise_affine={PythonText.Of(ElementwiseAffine)})";

    /// <summary>What it computes.</summary>
    private protected NormFunction Function { get; }
}
