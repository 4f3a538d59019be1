using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Fla.Layers.Modules;

/// <summary>Learned positive features, <c>relu(W x)</c>. Kasai et al., 2021, arXiv:2103.13076.</summary>
public sealed class T2RFeatureMap : nn.Module<Tensor, Tensor>
{
    private readonly Linear layer;

    /// <summary>Makes one.</summary>
    /// <param name="headDim">The dimension D of a head.</param>
    /// <param name="dotDim">The number of features F; null for D.</param>
    /// <param name="bias">Whether the map has a bias.</param>
    public T2RFeatureMap(long headDim, long? dotDim = null, bool bias = false)
        : base(nameof(T2RFeatureMap))
    {
        layer = nn.Linear(headDim, dotDim ?? headDim, hasBias: bias);
        RegisterComponents();
    }

    /// <summary>From <c>[.., D]</c> to <c>[.., F]</c>.</summary>
    public override Tensor forward(Tensor x)
    {
        using var scope = torch.NewDisposeScope();
        return scope.MoveToOuter(layer.forward(x).relu());
    }

    /// <summary>PyTorch's line for it.</summary>
    public override string ToString() =>
        $"{nameof(T2RFeatureMap)}(head_dim={layer.in_features}, dot_dim={layer.out_features}, " +
        $"bias={PythonText.Of(layer.bias is not null)})";
}
