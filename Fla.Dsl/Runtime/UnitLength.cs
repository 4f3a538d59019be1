using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Dsl.Runtime;

/// <summary>Vectors over their lengths: what stands for <see cref="Recurrences.L2Normalize{D}(Vec{D}, double)"/> where a caller asks for it.</summary>
internal static class UnitLength
{
    /// <summary>Flash-linear-attention's, under the root; the default of the declared function.</summary>
    public const double Epsilon = 1e-6;

    /// <summary><c>x / sqrt(sum(x^2) + epsilon)</c> over the last axis, computed in a wider type and given in x's own; differentiable.</summary>
    public static Tensor Of(Tensor x, ScalarType compute)
    {
        using var scope = torch.NewDisposeScope();
        var wide = x.to(compute);
        var squares = (wide * wide).sum(-1, keepdim: true);
        return (wide / squares.add(Scalars.Of(Epsilon), Scalars.One).sqrt()).to(x.dtype).MoveToOuterDisposeScope();
    }
}
