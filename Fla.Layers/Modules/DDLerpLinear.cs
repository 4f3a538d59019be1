using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Layers.Modules;

/// <summary>
/// A map of each token mixed with the one before it by shares that depend on the token: <c>W (x_t + mu_t * (x_{t-1} - x_t))</c>. Peng
/// et al., 2024, arXiv:2404.05892, section 4.
/// </summary>
public sealed class DDLerpLinear : nn.Module<Tensor, Tensor, Tensor, Tensor>
{
    private readonly Projection linear;

    /// <summary>Makes one.</summary>
    /// <param name="inputDim">The dimension of the input.</param>
    /// <param name="outputDim">The dimension of the output.</param>
    /// <param name="lowRankDim">The bottleneck of a <see cref="LoRA"/> in the map's place; null for a full map.</param>
    public DDLerpLinear(long inputDim, long outputDim, long? lowRankDim = null)
        : base(nameof(DDLerpLinear))
    {
        linear = new(inputDim, outputDim, lowRankDim);
        register_module(nameof(linear), linear.Module);
    }

    /// <summary>Mixes and maps.</summary>
    /// <param name="x"><c>[B, T, input]</c>.</param>
    /// <param name="mu">The shares of the difference: <c>[B, T, input]</c>.</param>
    /// <param name="delta">What <see cref="TokenShift"/> gives: <c>[B, T, input]</c>.</param>
    /// <returns><c>[B, T, output]</c>.</returns>
    public override Tensor forward(Tensor x, Tensor mu, Tensor delta)
    {
        using var scope = torch.NewDisposeScope();
        return scope.MoveToOuter(linear.Module.forward(x.Plus(delta * mu)));
    }

    /// <summary>PyTorch's line for it.</summary>
    public override string ToString() => linear.Line(nameof(DDLerpLinear));
}
