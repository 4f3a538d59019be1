using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Fla.Layers.Modules;

/// <summary>
/// A gated feed-forward layer: <c>down_proj(act(gate_proj(x)) * up_proj(x))</c>. With the act swish it is SwiGLU. Shazeer, 2020,
/// arXiv:2002.05202, equation 6.
/// </summary>
public sealed class GatedMLP : nn.Module<Tensor, Tensor>
{
    private readonly Linear gate_proj;
    private readonly Linear up_proj;
    private readonly Linear down_proj;
    private readonly bool swish;
    private readonly double power;

    /// <param name="hiddenSize">D, the size of input and output.</param>
    /// <param name="hiddenRatio">What D is multiplied by where no intermediate size is given; 4 where it is null.</param>
    /// <param name="intermediateSize">The inner size; null for the one that <see cref="IntermediateSize"/> gives.</param>
    /// <param name="hiddenAct">swish, or powlu for a gated power unit.</param>
    /// <param name="fuseSwiglu">Whether the product is printed as fused with the last projection. It is computed the same.</param>
    /// <param name="powgluPower">The exponent of powlu.</param>
    /// <exception cref="ArgumentException">The act is another, or a size is not positive.</exception>
    public GatedMLP(
        long hiddenSize, double? hiddenRatio = null, long? intermediateSize = null, string hiddenAct = "swish", bool fuseSwiglu = true,
        double powgluPower = 3)
        : base(nameof(GatedMLP))
    {
        // Configurations of FLA's first models say silu, which is another name of swish.
        swish = hiddenAct switch
        {
            "swish" or "silu" => true,
            "powlu" => false,
            _ => throw new ArgumentException($"expected hidden_act swish or powlu, came '{hiddenAct}'", nameof(hiddenAct)),
        };
        power = powgluPower;
        var size = intermediateSize ?? IntermediateSize(hiddenSize, hiddenRatio);
        if (hiddenSize < 1) throw new ArgumentException($"expected a positive size, came {hiddenSize}", nameof(hiddenSize));
        if (size < 1) throw new ArgumentException($"expected a positive size, came {size}", nameof(intermediateSize));
        register_module(nameof(gate_proj), gate_proj = nn.Linear(hiddenSize, size, hasBias: false));
        register_module(nameof(up_proj), up_proj = nn.Linear(hiddenSize, size, hasBias: false));
        register_module(nameof(down_proj), down_proj = nn.Linear(size, hiddenSize, hasBias: false));
        if (swish && fuseSwiglu) register_module("swiglu_linear", new SwiGLULinear());
    }

    /// <summary>Two thirds of the ratio times the size, rounded up to a multiple of 256.</summary>
    /// <param name="hiddenSize">The size of input and output.</param>
    /// <param name="hiddenRatio">4 where it is null: as many parameters as a layer without gate and four times the width.</param>
    public static long IntermediateSize(long hiddenSize, double? hiddenRatio = null) =>
        ((long)(hiddenSize * (hiddenRatio ?? 4) * 2 / 3) + 255) / 256 * 256;

    /// <summary>Maps each token by itself.</summary>
    /// <param name="x"><c>[..., D]</c></param>
    /// <returns><c>[..., D]</c></returns>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var (gate, value) = (gate_proj.forward(x), up_proj.forward(x));
        var gated = swish ? SwishProduct.Of(gate, value) : Activations.PoweredLinearUnit(gate, power) * value;
        return down_proj.forward(gated).MoveToOuterDisposeScope();
    }

    /// <summary>The place of FLA's fused product in the printed tree. It has no parameters and nothing to do.</summary>
    private sealed class SwiGLULinear() : nn.Module(nameof(SwiGLULinear));
}
