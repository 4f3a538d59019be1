using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Fla.Layers.Modules;

/// <summary>The upper triangle of the outer product of two learned maps of a vector.</summary>
public sealed class LearnableOuterProductFeatureMap : nn.Module<Tensor, Tensor>
{
    private readonly Linear layer1, layer2;

    /// <summary>Makes one.</summary>
    /// <param name="headDim">The dimension D of a head.</param>
    /// <param name="featureDim">The dimension F of the learned maps.</param>
    public LearnableOuterProductFeatureMap(long headDim, long featureDim)
        : base(nameof(LearnableOuterProductFeatureMap))
    {
        layer1 = nn.Linear(headDim, featureDim, hasBias: false);
        layer2 = nn.Linear(headDim, featureDim, hasBias: false);
        RegisterComponents();
    }

    /// <summary>From <c>[.., D]</c> to <c>[.., F (F + 1) / 2]</c>, in the order of the triangle's rows.</summary>
    public override Tensor forward(Tensor x)
    {
        using var scope = torch.NewDisposeScope();
        return scope.MoveToOuter(Pairs.UpperTriangle(layer1.forward(x), layer2.forward(x), diagonal: 0));
    }
}
