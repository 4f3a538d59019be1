using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Layers.Modules;

/// <summary>
/// Deterministic products of a vector's parts: of <c>u = [relu(x), -relu(x)]</c> the products with itself rolled by 1 to nu. Schlag et
/// al., 2021, arXiv:2102.11174, with <c>-relu(x)</c> where the paper has <c>relu(-x)</c>, as models of this kind have been trained.
/// </summary>
public sealed class DPFPFeatureMap : nn.Module<Tensor, Tensor>
{
    private readonly int nu;

    /// <summary>Makes one; it has no parameters.</summary>
    /// <param name="nu">How many rolls; the number of features is 2 D nu.</param>
    public DPFPFeatureMap(int nu = 4)
        : base(nameof(DPFPFeatureMap))
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(nu);
        this.nu = nu;
    }

    /// <summary>From <c>[.., D]</c> to <c>[.., 2 D nu]</c>.</summary>
    public override Tensor forward(Tensor x)
    {
        using var scope = torch.NewDisposeScope();
        var positive = x.relu();
        var u = torch.cat([positive, -positive], dim: -1);
        var rolled = torch.cat([.. Enumerable.Range(1, nu).Select(j => u.roll(j, -1))], dim: -1);
        return scope.MoveToOuter(torch.cat([.. Enumerable.Repeat(u, nu)], dim: -1) * rolled);
    }

    /// <summary>PyTorch's line for it.</summary>
    public override string ToString() => $"{nameof(DPFPFeatureMap)}()";
}
