using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Fla.Layers.Modules;

/// <summary>
/// Learned features that imitate those of softmax attention: <c>softmax([2u, -2u]), u = W x + b</c>. Zhang et al., 2024,
/// arXiv:2402.04347.
/// </summary>
public sealed class HedgehogFeatureMap : nn.Module<Tensor, Tensor>
{
    private readonly Linear layer;

    /// <summary>Makes one whose map begins as the identity.</summary>
    /// <param name="headDim">The dimension D of a head.</param>
    public HedgehogFeatureMap(long headDim)
        : base(nameof(HedgehogFeatureMap))
    {
        layer = nn.Linear(headDim, headDim);
        nn.init.eye_(layer.weight!);
        nn.init.zeros_(layer.bias!);
        RegisterComponents();
    }

    /// <summary>From <c>[.., D]</c> to <c>[.., 2 D]</c>.</summary>
    public override Tensor forward(Tensor x)
    {
        using var scope = torch.NewDisposeScope();
        var u = layer.forward(x);
        return scope.MoveToOuter(torch.cat([u.Times(2), u.Times(-2)], dim: -1).softmax(-1));
    }
}
