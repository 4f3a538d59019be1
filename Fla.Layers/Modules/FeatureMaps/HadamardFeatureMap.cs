using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Fla.Layers.Modules;

/// <summary>The product, element by element, of two learned maps of a vector.</summary>
public sealed class HadamardFeatureMap : nn.Module<Tensor, Tensor>
{
    private readonly Linear layer1, layer2;

    /// <summary>Makes one.</summary>
    /// <param name="headDim">The dimension D of a head.</param>
    public HadamardFeatureMap(long headDim)
        : base(nameof(HadamardFeatureMap))
    {
        layer1 = nn.Linear(headDim, headDim);
        layer2 = nn.Linear(headDim, headDim);
        RegisterComponents();
    }

    /// <summary>From <c>[.., D]</c> to <c>[.., D]</c>.</summary>
    public override Tensor forward(Tensor x)
    {
        using var scope = torch.NewDisposeScope();
        return scope.MoveToOuter(layer1.forward(x) * layer2.forward(x));
    }
}
