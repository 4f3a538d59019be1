using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NewVariant.Model;

/// <summary>Mixes each channel with its last few tokens: a causal depthwise convolution that begins as the identity.</summary>
internal sealed class ShortConvolution : nn.Module<Tensor, Tensor>
{
    private const int Width = 4;
    private readonly Parameter weight; // [Width, D], the current token last

    public ShortConvolution(long size)
        : base(nameof(ShortConvolution))
    {
        weight = new Parameter(cat([zeros(Width - 1, size), ones(1, size)]));
        RegisterComponents();
    }

    /// <summary>Whole sequences <c>[B, T, D]</c>.</summary>
    public override Tensor forward(Tensor x)
    {
        var padded = cat([zeros(x.shape[0], Width - 1, x.shape[2]), x], dim: 1);
        return Enumerable.Range(0, Width).Select(i => padded.narrow(1, i, x.shape[1]) * weight[i]).Aggregate((a, b) => a + b);
    }

    /// <summary>One more token <c>[B, D]</c>, after the recent ones <c>[B, Width - 1, D]</c>.</summary>
    public (Tensor Mixed, Tensor Recent) Step(Tensor x, Tensor? recent)
    {
        var window = cat([recent ?? zeros(x.shape[0], Width - 1, x.shape[1]), x.unsqueeze(1)], dim: 1);
        return ((window * weight).sum(1), window.narrow(1, 1, Width - 1));
    }
}
