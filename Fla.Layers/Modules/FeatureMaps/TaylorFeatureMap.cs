using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Layers.Modules;

/// <summary>
/// Features whose inner product is the exponential's second-order series: <c>f(q) . f(k) = 1 + s + s^2 / 2</c> with
/// <c>s = q . k / sqrt(D)</c>. Arora et al., 2024, arXiv:2402.18668.
/// </summary>
public sealed class TaylorFeatureMap : nn.Module<Tensor, Tensor>
{
    private readonly long headDim;

    /// <summary>Makes one; it has no parameters.</summary>
    /// <param name="headDim">The dimension D of a head.</param>
    public TaylorFeatureMap(long headDim)
        : base(nameof(TaylorFeatureMap))
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(headDim);
        this.headDim = headDim;
    }

    /// <summary>From <c>[.., D]</c> to <c>[.., 1 + D + D (D + 1) / 2]</c>: one, the elements, their squares, their products.</summary>
    public override Tensor forward(Tensor x)
    {
        using var scope = torch.NewDisposeScope();
        var root = Math.Sqrt(headDim);
        return scope.MoveToOuter(torch.cat(
            [
                torch.ones_like(x.narrow(-1, 0, 1)),
                x.Times(1 / Math.Sqrt(root)),
                (x * x).Times(1 / (Math.Sqrt(2) * root)),
                Pairs.UpperTriangle(x, x, diagonal: 1).Times(1 / root),
            ],
            dim: -1));
    }

    /// <summary>PyTorch's line for it.</summary>
    public override string ToString() => $"{nameof(TaylorFeatureMap)}()";
}
