using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Layers.Modules;

/// <summary>Makes vectors of the last axis one long: <c>x / sqrt(sum(x^2) + eps)</c>, computed in fp32.</summary>
public sealed class L2Norm : nn.Module<Tensor, Tensor>
{
    private readonly double eps;
    private readonly ScalarType? outputDtype;

    /// <summary>Makes one; it has no parameters.</summary>
    /// <param name="eps">Is added to the squared length.</param>
    /// <param name="outputDtype">The dtype of the output; null for that of the input.</param>
    public L2Norm(double eps = 1e-6, ScalarType? outputDtype = null)
        : base(nameof(L2Norm))
    {
        this.eps = eps;
        this.outputDtype = outputDtype;
    }

    /// <summary>Normalises.</summary>
    /// <param name="x"><c>[.., D]</c>.</param>
    /// <returns><c>[.., D]</c>.</returns>
    public override Tensor forward(Tensor x) => Normalize(x, eps, outputDtype);

    /// <summary>The same as a function.</summary>
    /// <param name="x"><c>[.., D]</c>.</param>
    /// <param name="eps">Is added to the squared length.</param>
    /// <param name="outputDtype">The dtype of the output; null for that of the input.</param>
    /// <returns><c>[.., D]</c>.</returns>
    public static Tensor Normalize(Tensor x, double eps = 1e-6, ScalarType? outputDtype = null)
    {
        using var scope = torch.NewDisposeScope();
        var type = outputDtype ?? x.dtype;
        var y = new NormFunction(Normalisation.UnitLength(eps)).Apply(Precision.ToBeRoundedTo(type, x), null, null, null);
        return scope.MoveToOuter(y.to(type));
    }

    /// <summary>PyTorch's line for it.</summary>
    public override string ToString() => $"{nameof(L2Norm)}()";
}
