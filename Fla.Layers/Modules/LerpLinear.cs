using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Fla.Layers.Modules;

/// <summary>
/// A map of each token mixed with the one before it by learned shares: <c>W (x_t + mu * (x_{t-1} - x_t))</c>. Peng et al., 2024,
/// arXiv:2404.05892, section 4.
/// </summary>
public sealed class LerpLinear : nn.Module<Tensor, Tensor>
{
    private readonly Projection linear;
    private readonly Parameter mu;

    /// <summary>Makes one.</summary>
    /// <param name="inputDim">The dimension of the input.</param>
    /// <param name="outputDim">The dimension of the output.</param>
    /// <param name="lowRankDim">The bottleneck of a <see cref="LoRA"/> in the map's place; null for a full map.</param>
    public LerpLinear(long inputDim, long outputDim, long? lowRankDim = null)
        : base(nameof(LerpLinear))
    {
        linear = new(inputDim, outputDim, lowRankDim);
        mu = new Parameter(torch.zeros(inputDim));
        register_module(nameof(linear), linear.Module);
        register_parameter(nameof(mu), mu);
    }

    /// <summary>Whole sequences that nothing came before: from <c>[B, T, input]</c> to <c>[B, T, output]</c>.</summary>
    public override Tensor forward(Tensor x)
    {
        using var shift = new TokenShift();
        using var delta = shift.forward(x);
        return forward(x, delta);
    }

    /// <summary>Tokens whose difference from the one before is known.</summary>
    /// <param name="x"><c>[B, T, input]</c>.</param>
    /// <param name="delta">What <see cref="TokenShift"/> gives: <c>[B, T, input]</c>.</param>
    /// <returns><c>[B, T, output]</c>.</returns>
    public Tensor forward(Tensor x, Tensor delta)
    {
        using var scope = torch.NewDisposeScope();
        return scope.MoveToOuter(linear.Module.forward(x.Plus(delta * mu)));
    }

    /// <summary>PyTorch's line for it.</summary>
    public override string ToString() => linear.Line(nameof(LerpLinear));
}
