using Fla.Dsl.Runtime;
using static TorchSharp.torch;
using Functional = TorchSharp.torch.nn.functional;

namespace Fla.Layers.Modules;

/// <summary>Activation functions by the names that configurations use.</summary>
public static class Activations
{
    private static readonly Dictionary<string, Func<Tensor, Tensor>> Fla = new()
    {
        ["relu"] = x => x.relu(),
        ["sigmoid"] = sigmoid,
        ["logsigmoid"] = x => Functional.logsigmoid(x),
        ["silu"] = x => Functional.silu(x),
        ["swish"] = x => Functional.silu(x),
        ["sqrelu"] = SquaredRelu,
        ["gelu"] = TanhGelu,
    };

    private static readonly Dictionary<string, Func<Tensor, Tensor>> HuggingFace = new()
    {
        ["relu"] = x => x.relu(),
        ["relu2"] = SquaredRelu,
        ["sigmoid"] = sigmoid,
        ["tanh"] = tanh,
        ["silu"] = x => Functional.silu(x),
        ["swish"] = x => Functional.silu(x),
        ["gelu"] = x => Functional.gelu(x),
        ["gelu_new"] = TanhGelu,
        ["gelu_pytorch_tanh"] = TanhGelu,
        ["elu"] = x => Functional.elu(x, 1.0),
        ["identity"] = x => x,
        ["linear"] = x => x,
    };

    /// <summary>An activation of flash-linear-attention's registry, where <c>gelu</c> is the form with tanh.</summary>
    /// <param name="name">One of relu, sigmoid, logsigmoid, silu, swish, sqrelu, gelu.</param>
    /// <exception cref="ArgumentException">There is none of this name.</exception>
    public static Func<Tensor, Tensor> Get(string name) => Find(Fla, name);

    /// <summary>The name itself, if <see cref="Get"/> knows it.</summary>
    /// <exception cref="ArgumentException">There is none of this name.</exception>
    internal static string Known(string name)
    {
        Get(name);
        return name;
    }

    /// <summary>An activation of Hugging Face's registry, where <c>gelu</c> is the exact form.</summary>
    /// <param name="name">One of relu, relu2, sigmoid, tanh, silu, swish, gelu, gelu_new, gelu_pytorch_tanh, elu, identity, linear.</param>
    /// <exception cref="ArgumentException">There is none of this name.</exception>
    public static Func<Tensor, Tensor> GetHuggingFace(string name) => Find(HuggingFace, name);

    /// <summary><c>relu(x)^2</c>. So et al., 2021, arXiv:2109.08668.</summary>
    public static Tensor SquaredRelu(Tensor x)
    {
        using var positive = x.relu();
        return positive * positive;
    }

    /// <summary><c>0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))</c>. Hendrycks and Gimpel, 2016, arXiv:1606.08415.</summary>
    public static Tensor TanhGelu(Tensor x) => Functional.gelu(x, TorchSharp.Modules.GELU.Approximate.tanh);

    /// <summary>
    /// The gate of a gated power unit: <c>x^(m / (sqrt(x) + 1)) sigmoid(x)</c> for positive x, <c>x sigmoid(x)</c> otherwise. Computed
    /// in fp32 or wider.
    /// </summary>
    /// <param name="x">Any shape.</param>
    /// <param name="power">m</param>
    public static Tensor PoweredLinearUnit(Tensor x, double power = 3)
    {
        using var scope = NewDisposeScope();
        var wide = Precision.Widen(x);
        var positive = wide > Scalars.Zero;
        // The root's slope at 0 is infinite, and infinity times the mask's 0 would be no number: there the base is 1 instead.
        var root = where(positive, wide, ones_like(wide));
        var grown = pow(root, Scalars.Of(power) / root.sqrt().add(Scalars.One));
        return (where(positive, grown, wide) * sigmoid(wide)).to(x.dtype).MoveToOuterDisposeScope();
    }

    private static Func<Tensor, Tensor> Find(Dictionary<string, Func<Tensor, Tensor>> registry, string name) =>
        registry.TryGetValue(name, out var activation)
            ? activation
            : throw new ArgumentException($"expected an activation among {string.Join(", ", registry.Keys)}, came '{name}'", nameof(name));
}
