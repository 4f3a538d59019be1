using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Fla.Layers.Modules;

/// <summary>A map through a bottleneck, <c>W_2 act(W_1 x) + b</c>, which begins as zero.</summary>
public sealed class LoRA : nn.Module<Tensor, Tensor>
{
    private readonly Sequential lora;

    /// <summary>Makes one.</summary>
    /// <param name="inputDim">The dimension of the input.</param>
    /// <param name="outputDim">The dimension of the output.</param>
    /// <param name="lowRankDim">The dimension of the bottleneck.</param>
    /// <param name="bias">Whether the second map has a bias.</param>
    /// <param name="activation">"tanh", "sigmoid", "relu", or null for none.</param>
    /// <exception cref="ArgumentException">The activation is another.</exception>
    public LoRA(long inputDim, long outputDim, long lowRankDim, bool bias = true, string? activation = "tanh")
        : base(nameof(LoRA))
    {
        nn.Module<Tensor, Tensor> act = activation switch
        {
            null => nn.Identity(),
            "tanh" => nn.Tanh(),
            "sigmoid" => nn.Sigmoid(),
            "relu" => nn.ReLU(),
            _ => throw new ArgumentException(
                $"{nameof(activation)}: expected tanh, sigmoid, relu or null, came {activation}.", nameof(activation)),
        };
        var (down, up) = (nn.Linear(inputDim, lowRankDim, hasBias: false), nn.Linear(lowRankDim, outputDim, hasBias: bias));
        nn.init.zeros_(down.weight!);
        nn.init.orthogonal_(up.weight!, 0.1 * Math.Sqrt(Math.Max(1, (double)lowRankDim / outputDim)));
        if (bias)
            nn.init.zeros_(up.bias!);

        lora = nn.Sequential(down, act, up);
        RegisterComponents();
    }

    /// <summary>From <c>[.., input]</c> to <c>[.., output]</c>.</summary>
    public override Tensor forward(Tensor x) => lora.forward(x);

    /// <summary>PyTorch's line for it.</summary>
    public override string ToString()
    {
        var (down, up) = ((Linear)lora[0], (Linear)lora[2]);
        return $"{nameof(LoRA)}(input_dim={down.in_features}, low_rank_dim={down.out_features}, output_dim={up.out_features}" +
            $"{(up.bias is null ? ", bias=False" : "")})";
    }
}
