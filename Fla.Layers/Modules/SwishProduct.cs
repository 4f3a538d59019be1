using Fla.Layers.Kernels;
using static TorchSharp.torch;

namespace Fla.Layers.Modules;

/// <summary>A product with a gate, <c>g sigmoid(g) x</c>: what makes a feed-forward layer SwiGLU.</summary>
internal static class SwishProduct
{
    /// <summary>The product of a gate, which it bends, and a value of the same shape.</summary>
    public static Tensor Of(Tensor gate, Tensor value)
    {
        if (FusedSwishProduct.DeviceOf(gate, value) is { } device)
            return FusedSwishProduct.Apply(device, gate, value);

        using var bent = nn.functional.silu(gate);
        return bent * value;
    }
}
