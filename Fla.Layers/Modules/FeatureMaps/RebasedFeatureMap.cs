using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Fla.Layers.Modules;

/// <summary>
/// A learned quadratic kernel: <c>f(q) . f(k) = (u(q) . u(k))^2 / D</c> with u the layer norm. Aksenov et al., 2024, arXiv:2402.10644.
/// </summary>
public sealed class RebasedFeatureMap : nn.Module<Tensor, Tensor>
{
    private const double Epsilon = 1e-5;
    private readonly long headDim;
    private readonly bool normalize;
    private readonly Parameter? gamma, beta;

    /// <summary>Makes one.</summary>
    /// <param name="headDim">The dimension D of a head.</param>
    /// <param name="useGamma">Whether each element is scaled, at first by 1.</param>
    /// <param name="useBeta">Whether each element is shifted, at first by 0.</param>
    /// <param name="normalize">Whether mean and variance of a vector are taken out first.</param>
    /// <exception cref="ArgumentException">A shift without a scale, which no model of this kind has.</exception>
    public RebasedFeatureMap(long headDim, bool useGamma = true, bool useBeta = true, bool normalize = true)
        : base(nameof(RebasedFeatureMap))
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(headDim);
        if (useBeta && !useGamma)
            throw new ArgumentException($"{nameof(useBeta)}: expected false without {nameof(useGamma)}, came true.", nameof(useBeta));

        (this.headDim, this.normalize) = (headDim, normalize);
        gamma = useGamma ? new Parameter(torch.ones(headDim)) : null;
        beta = useBeta ? new Parameter(torch.zeros(headDim)) : null;
        RegisterComponents();
    }

    /// <summary>From <c>[.., D]</c> to <c>[.., D (D + 1) / 2]</c>: squares, then products.</summary>
    public override Tensor forward(Tensor x)
    {
        using var scope = torch.NewDisposeScope();
        var u = Normalized(x);
        return scope.MoveToOuter(torch.cat(
            [(u * u).Times(1 / Math.Sqrt(headDim)), Pairs.UpperTriangle(u, u, diagonal: 1).Times(Math.Sqrt(2.0 / headDim))], dim: -1));
    }

    /// <summary>The vectors whose inner product is squared: from <c>[.., D]</c> to <c>[.., D]</c>.</summary>
    public Tensor Normalized(Tensor x)
    {
        using var scope = torch.NewDisposeScope();
        var u = normalize ? nn.functional.layer_norm(x, [headDim], eps: Epsilon) : x.alias();
        var scaled = gamma is null ? u : u * gamma;
        return scope.MoveToOuter(beta is null ? scaled : scaled.Plus(beta));
    }

    /// <summary>PyTorch's line for it.</summary>
    public override string ToString() => $"{nameof(RebasedFeatureMap)}()";
}
