using Fla.Layers.Modules;
using static TorchSharp.torch;

namespace Fla.Layers;

/// <summary>
/// What follows a recurrence: a norm of each head, and a gate for each channel. Where the gate is swish both are one module, else the
/// norm is a module and the gate a function.
/// </summary>
internal sealed class HeadNorm
{
    private readonly Func<Tensor, Tensor> gate;

    public HeadNorm(
        long headDim, bool gated, string gateFn, Func<Tensor, Tensor> gate, bool fuse, bool elementwiseAffine, double eps)
    {
        this.gate = gate;
        if (gated && fuse && gateFn == "swish")
            Fused = new(headDim, elementwiseAffine, eps);
        else
            Plain = new(headDim, elementwiseAffine, eps: eps);
    }

    /// <summary>With weights, and gated by swish or not at all.</summary>
    public HeadNorm(long headDim, bool gated, double eps)
        : this(headDim, gated, "swish", Activations.Get("swish"), fuse: true, elementwiseAffine: true, eps)
    {
    }

    /// <summary>Norm and gate, to be registered as <c>g_norm_swish_gate</c>; null if they are apart.</summary>
    public FusedRMSNormGated? Fused { get; }

    /// <summary>The norm alone, to be registered as <c>g_norm</c>; null if gated by it.</summary>
    public RMSNorm? Plain { get; }

    /// <summary>The one of both that there is, for layers that register either as <c>o_norm</c>.</summary>
    public nn.Module Module => (nn.Module?)Fused ?? Plain!;

    /// <summary>From the heads' outputs <c>[B, T, H, V]</c> and gates <c>[B, T, H V]</c> to <c>[B, T, H V]</c>.</summary>
    public Tensor Apply(Tensor o, Tensor? g)
    {
        if (Fused is not null)
            return Fused.forward(o, g!.reshape(o.shape)).flatten(-2);

        var normed = Plain!.forward(o).flatten(-2);
        return g is null ? normed : normed * gate(g);
    }
}
