using Fla.Dsl.Runtime;
using Fla.Layers.Modules;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Fla.Layers;

/// <summary>Mamba: a selective state space, each channel with its own decays. Gu and Dao, 2023, arXiv:2312.00752, section 3.</summary>
public sealed class Mamba : RecurrentMixer
{
    private readonly Conv1d conv1d;
    private readonly Linear in_proj, x_proj, dt_proj, out_proj;
    private readonly Parameter A_log, D;
    private readonly string act;
    private readonly long inner, stateSize, rank;

    /// <summary>Makes one.</summary>
    /// <param name="hiddenSize">The channels D of a token.</param>
    /// <param name="stateSize">The states N of a channel.</param>
    /// <param name="convKernel">How many tokens the convolution spans.</param>
    /// <param name="useConvBias">Whether it has a bias.</param>
    /// <param name="intermediateSize">The channels of the state space.</param>
    /// <param name="dtRank">The bottleneck of the steps; null for D / 16, rounded up.</param>
    /// <param name="dtMin">The least step to begin with.</param>
    /// <param name="dtMax">The largest step to begin with.</param>
    /// <param name="dtInit">How the weights of the steps begin: random or constant.</param>
    /// <param name="dtScale">Their size to begin with, times one over the root of the bottleneck.</param>
    /// <param name="dtInitFloor">What steps are raised to at the beginning.</param>
    /// <param name="useBias">Whether the projections have biases.</param>
    /// <param name="hiddenAct">The activation of convolution and gate, by its name in <see cref="Activations.Get"/>.</param>
    /// <param name="layerIdx">The layer's index in its model, needed with a cache.</param>
    /// <exception cref="ArgumentException">A size is not positive, or a name is unknown.</exception>
    public Mamba(
        long hiddenSize = 2048,
        long stateSize = 16,
        long convKernel = 4,
        bool useConvBias = true,
        long intermediateSize = 2048,
        long? dtRank = null,
        double dtMin = 0.001,
        double dtMax = 0.1,
        string dtInit = "random",
        double dtScale = 1,
        double dtInitFloor = 1e-4,
        bool useBias = false,
        string hiddenAct = "silu",
        int? layerIdx = null)
        : base(nameof(Mamba), hiddenSize, "chunk", Ops.SelectiveScan.Op, layerIdx)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(stateSize);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(intermediateSize);
        Require.OneOf(dtInit, nameof(dtInit), "random", "constant");
        (inner, this.stateSize, rank, act) =
            (intermediateSize, stateSize, dtRank ?? (hiddenSize + 15) / 16, Activations.Known(hiddenAct));

        conv1d = nn.Conv1d(inner, inner, convKernel, padding: convKernel - 1, groups: inner, bias: useConvBias);
        in_proj = nn.Linear(hiddenSize, 2 * inner, hasBias: useBias);
        x_proj = nn.Linear(inner, rank + 2 * stateSize, hasBias: false);
        dt_proj = nn.Linear(rank, inner);
        out_proj = nn.Linear(inner, hiddenSize, hasBias: useBias);
        A_log = new Parameter(arange(1, stateSize + 1, dtype: ScalarType.Float32).log().repeat(inner, 1));
        D = new Parameter(ones(inner));
        RegisterComponents();

        var size = dtScale / Math.Sqrt(rank);
        if (dtInit == "random")
            nn.init.uniform_(dt_proj.weight!, -size, size);
        else
            nn.init.constant_(dt_proj.weight!, size);
        using var noGrad = no_grad();
        using var bias = StepSize.Bias(inner, dtMin, dtMax, dtInitFloor);
        dt_proj.bias!.copy_(bias);
    }

    private protected override Tensor Mix(Tensor x, MixerCall call)
    {
        var halves = in_proj.forward(x).chunk(2, dim: -1);
        var u = call.Convolve(conv1d, halves[0], act);
        var parts = x_proj.forward(u).split([rank, stateSize, stateSize], dim: -1);
        var dt = Tiles.Softplus(Precision.Widen(dt_proj.forward(parts[0])));
        var rates = Precision.Widen(A_log).exp().neg();
        var y = call.Recur(Ops.SelectiveScan.Op, [u, dt, rates, parts[1], parts[2], D]);
        return out_proj.forward(y * Activations.Get(act)(halves[1]));
    }
}
