using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NewVariant.Model;

/// <summary>Divides the last axis by its root mean square and scales each channel. Zhang and Sennrich, 2019, arXiv:1910.07467.</summary>
internal sealed class RmsNorm : nn.Module<Tensor, Tensor>
{
    private const double Epsilon = 1e-6;
    private readonly Parameter weight;

    public RmsNorm(long size)
        : base(nameof(RmsNorm))
    {
        weight = new Parameter(ones(size));
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => x * (x.square().mean([-1], keepdim: true) + Epsilon).rsqrt() * weight;
}
