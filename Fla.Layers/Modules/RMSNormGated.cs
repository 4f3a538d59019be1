using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Fla.Layers.Modules;

/// <summary>
/// The normalisation of Mamba-2: root mean square over groups of neighbouring channels, gated before it, <c>norm(x * silu(z)) * w</c>,
/// or after it, <c>norm(x) * w * silu(z)</c>. Dao and Gu, 2024, arXiv:2405.21060.
/// </summary>
public sealed class RMSNormGated : nn.Module<Tensor, Tensor, Tensor>
{
    private readonly Parameter weight;
    private readonly NormFunction function;

    /// <summary>Makes one.</summary>
    /// <param name="hiddenSize">The size of the last dimension.</param>
    /// <param name="eps">What is added to the mean square.</param>
    /// <param name="groupSize">The channels of a group; null for one group.</param>
    /// <param name="normBeforeGate">Whether the gate comes after the norm.</param>
    /// <exception cref="ArgumentException">The group size does not divide the channels.</exception>
    public RMSNormGated(long hiddenSize, double eps = 1e-5, long? groupSize = null, bool normBeforeGate = false)
        : base(nameof(RMSNormGated))
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(hiddenSize);
        if (groupSize is { } size && (size < 1 || hiddenSize % size != 0))
            throw new ArgumentException(
                $"{nameof(groupSize)}: expected a size that divides the {hiddenSize} channels, came {size}.", nameof(groupSize));

        function = new(
            Normalisation.RootMeanSquare(eps, hiddenSize / (groupSize ?? hiddenSize)),
            normBeforeGate ? NormGate.Swish : NormGate.SwishFirst);
        weight = new Parameter(ones(hiddenSize));
        RegisterComponents();
    }

    /// <summary>Normalises and gates.</summary>
    /// <param name="x"><c>[.., hiddenSize]</c>.</param>
    /// <param name="z">The gate: shaped as x.</param>
    /// <returns>The same shape, in the type of x.</returns>
    public override Tensor forward(Tensor x, Tensor z) => function.Apply(x, z, weight, bias: null);

    /// <summary>PyTorch's line for it.</summary>
    public override string ToString() => $"{nameof(RMSNormGated)}()";
}
