using Fla.Dsl.Runtime;
using Fla.Layers.Modules;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Fla.Layers;

/// <summary>Mamba-2: a state space with one decay a head, as linear attention. Dao and Gu, 2024, arXiv:2405.21060, section 7.</summary>
public sealed class Mamba2 : RecurrentMixer
{
    private readonly Conv1d conv1d;
    private readonly Linear in_proj;
    private readonly RMSNormGated? norm;
    private readonly Linear out_proj;
    private readonly Parameter dt_bias, A_log, D;
    private readonly string act;
    private readonly long heads, groups, stateSize, inner;
    private readonly (double Least, double Most) limit;

    /// <summary>Makes one.</summary>
    /// <param name="numHeads">The number of heads; null for what the other sizes make.</param>
    /// <param name="headDim">The channels of a head.</param>
    /// <param name="hiddenSize">The channels D of a token.</param>
    /// <param name="stateSize">The states N of a channel.</param>
    /// <param name="expand">The channels of all heads, as a multiple of D.</param>
    /// <param name="nGroups">The number of groups of heads that share what writes to the state and reads it.</param>
    /// <param name="convKernel">How many tokens the convolution spans.</param>
    /// <param name="convInit">The bound of the convolution's first weights; null for PyTorch's.</param>
    /// <param name="useConvBias">Whether it has a bias.</param>
    /// <param name="hiddenAct">The activation after it, by its name in <see cref="Activations.Get"/>.</param>
    /// <param name="aInitRange">Between which decay rates begin; null for 1 and 16.</param>
    /// <param name="dHasHdim">Whether each channel has its own skip weight, or each head.</param>
    /// <param name="rmsnorm">Whether the output is normalised, or gated only.</param>
    /// <param name="normBeforeGate">Whether the gate comes after the norm.</param>
    /// <param name="dtMin">The least step to begin with.</param>
    /// <param name="dtMax">The largest step to begin with.</param>
    /// <param name="dtInitFloor">What steps are raised to at the beginning.</param>
    /// <param name="dtLimit">Between which steps are kept; null for 0 and infinity.</param>
    /// <param name="useBias">Whether the projections have biases.</param>
    /// <param name="normEps">What the norm adds to the mean square.</param>
    /// <param name="layerIdx">The layer's index in its model, needed with a cache.</param>
    /// <exception cref="ArgumentException">Sizes do not fit, or the activation is unknown.</exception>
    public Mamba2(
        long? numHeads = null,
        long headDim = 64,
        long hiddenSize = 2048,
        long stateSize = 128,
        double expand = 2,
        long nGroups = 1,
        long convKernel = 4,
        double? convInit = null,
        bool useConvBias = true,
        string hiddenAct = "silu",
        (double Least, double Most)? aInitRange = null,
        bool dHasHdim = false,
        bool rmsnorm = true,
        bool normBeforeGate = false,
        double dtMin = 0.001,
        double dtMax = 0.1,
        double dtInitFloor = 1e-4,
        (double Least, double Most)? dtLimit = null,
        bool useBias = false,
        double normEps = 1e-5,
        int? layerIdx = null)
        : base(nameof(Mamba2), hiddenSize, "chunk", Ops.SimpleGatedLinearAttention.Op, layerIdx)
    {
        inner = Require.Expanded(hiddenSize, expand, nameof(expand));
        heads = Require.Split(inner, headDim, nameof(headDim));
        if (numHeads is { } given && given != heads)
            throw new ArgumentException(
                $"{nameof(numHeads)}: expected {heads}, {inner} channels over {headDim}; came {given}.", nameof(numHeads));
        Require.Split(heads, nGroups, nameof(nGroups));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(stateSize);
        (groups, this.stateSize, act, limit) =
            (nGroups, stateSize, Activations.Known(hiddenAct), dtLimit ?? (0, double.PositiveInfinity));

        var convolved = inner + 2 * nGroups * stateSize;
        conv1d = nn.Conv1d(convolved, convolved, convKernel, padding: convKernel - 1, groups: convolved, bias: useConvBias);
        if (convInit is { } bound)
            nn.init.uniform_(conv1d.weight!, -bound, bound);
        in_proj = nn.Linear(hiddenSize, inner + convolved + heads, hasBias: useBias);
        norm = rmsnorm ? new(inner, normEps, inner / nGroups, normBeforeGate) : null;
        out_proj = nn.Linear(inner, hiddenSize, hasBias: useBias);
        dt_bias = StepSize.Bias(heads, dtMin, dtMax, dtInitFloor);
        A_log = StepSize.LogRates(heads, aInitRange?.Least ?? 1, aInitRange?.Most ?? 16);
        D = new Parameter(ones(dHasHdim ? inner : heads));
        RegisterComponents();
    }

    private protected override Tensor Mix(Tensor x, MixerCall call)
    {
        var parts = in_proj.forward(x).split([inner, inner + 2 * groups * stateSize, heads], dim: -1);
        var (z, step) = (parts[0], parts[2]);
        var mixed = call.Convolve(conv1d, parts[1], act).split([inner, groups * stateSize, groups * stateSize], dim: -1);
        var (u, write, read) = (Precision.Widen(Heads(mixed[0], heads)), Heads(mixed[1], groups), Heads(mixed[2], groups));

        var dt = Tiles.Softplus(Precision.Widen(step).Plus(Precision.Widen(dt_bias)));
        if (limit.Least > 0 || double.IsFinite(limit.Most))
            dt = dt.clamp(Scalars.Of(limit.Least), Scalars.Of(limit.Most));
        var decay = Precision.Widen(A_log).exp().neg() * dt;
        var y = call.Recur(
            Ops.SimpleGatedLinearAttention.Op, [Precision.Widen(read), write, u * dt.unsqueeze(-1), decay], scale: 1);
        var skipped = y.Plus(u * Precision.Widen(D).view(heads, -1)).flatten(-2).to(x.dtype);
        return out_proj.forward(norm is null ? skipped * Activations.Get(act)(z) : norm.forward(skipped, z));
    }
}
