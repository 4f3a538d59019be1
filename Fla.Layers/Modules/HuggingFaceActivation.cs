using static TorchSharp.torch;

namespace Fla.Layers.Modules;

/// <summary>An activation of Hugging Face's registry as the module that it is there, which is printed.</summary>
internal sealed class HuggingFaceActivation : nn.Module<Tensor, Tensor>
{
    // What its modules are called.
    private static readonly Dictionary<string, string> Names = new()
    {
        ["relu"] = "ReLU",
        ["relu2"] = "ReLUSquaredActivation",
        ["sigmoid"] = "Sigmoid",
        ["tanh"] = "Tanh",
        ["silu"] = "SiLUActivation",
        ["swish"] = "SiLU",
        ["gelu"] = "GELUActivation",
        ["gelu_new"] = "NewGELUActivation",
        ["gelu_pytorch_tanh"] = "GELUTanh",
        ["elu"] = "ELU",
        ["identity"] = "Identity",
        ["linear"] = "LinearActivation",
    };

    private readonly Func<Tensor, Tensor> function;

    /// <summary>Makes one; it has no parameters.</summary>
    /// <param name="name">Its name in <see cref="Activations.GetHuggingFace"/>.</param>
    /// <exception cref="ArgumentException">There is none of this name.</exception>
    public HuggingFaceActivation(string name)
        : base(nameof(HuggingFaceActivation)) =>
        (function, Line) = (Activations.GetHuggingFace(name), $"{Names[name]}()");

    private string Line { get; }

    public override Tensor forward(Tensor x) => function(x);

    public override string ToString() => Line;
}
