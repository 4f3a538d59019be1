using static TorchSharp.torch;

namespace Fla.Layers.Modules;

/// <summary>An activation as a feature map.</summary>
public sealed class ActivationFeatureMap : nn.Module<Tensor, Tensor>
{
    private static readonly Dictionary<string, string> Names = new()
    {
        ["relu"] = "ReLUFeatureMap",
        ["sqrelu"] = "SquaredReLUFeatureMap",
        ["gelu"] = "GELUFeatureMap",
        ["swish"] = "SwishFeatureMap",
        ["sigmoid"] = "SigmoidFeatureMap",
    };

    private readonly Func<Tensor, Tensor> activation;

    /// <summary>Makes one; it has no parameters.</summary>
    /// <param name="activation">relu, sqrelu, gelu, swish or sigmoid.</param>
    /// <exception cref="ArgumentException">The activation is another.</exception>
    public ActivationFeatureMap(string activation)
        : base(Names.TryGetValue(activation, out var name)
            ? name
            : throw new ArgumentException(
                $"{nameof(activation)}: expected {string.Join(", ", Names.Keys)}, came {activation}.", nameof(activation))) =>
        this.activation = Activations.Get(activation);

    /// <summary>From <c>[.., D]</c> to <c>[.., D]</c>.</summary>
    public override Tensor forward(Tensor x) => activation(x);

    /// <summary>PyTorch's line for it.</summary>
    public override string ToString() => $"{GetName()}()";
}
