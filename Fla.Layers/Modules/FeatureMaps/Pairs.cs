using static TorchSharp.torch;

namespace Fla.Layers.Modules;

/// <summary>Products of pairs of elements.</summary>
internal static class Pairs
{
    /// <summary>The products <c>a_i b_j</c> with <c>j >= i + diagonal</c>, row after row of the triangle.</summary>
    public static Tensor UpperTriangle(Tensor a, Tensor b, int diagonal)
    {
        var size = a.shape[^1];
        using var indices = triu_indices(size, size, diagonal, device: a.device);
        using var flat = indices[0].mul(size).add(indices[1]);
        return (a.unsqueeze(-1) * b.unsqueeze(-2)).flatten(-2).index_select(-1, flat);
    }
}
