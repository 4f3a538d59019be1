using Fla.Layers.Modules;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Fla.Layers.Models;

/// <summary>A channel mixing that looks at the token before, and so keeps the last one in the cache.</summary>
internal abstract class ChannelMixer : nn.Module<Tensor, Tensor>
{
    private readonly TokenShift time_shift = new();
    private readonly int layerIdx;

    protected ChannelMixer(string name, int layerIdx)
        : base(name)
    {
        this.layerIdx = layerIdx;
        register_module(nameof(time_shift), time_shift);
    }

    /// <summary>Mixes sequences that begin with their first token.</summary>
    public sealed override Tensor forward(Tensor x) => forward(x, new Flow(null, null, null));

    /// <summary>Mixes the tokens of a call, <c>[B, T, D]</c>.</summary>
    public Tensor forward(Tensor x, Flow flow)
    {
        using var scope = NewDisposeScope();
        var padding = Padding.Of(x, flow.Mask, flow.CuSeqlens);
        var tokens = padding.Remove(x);
        var (delta, last) = time_shift.forward(tokens, flow.Cache?[layerIdx]?.FfnState, padding.CuSeqlens);
        flow.Cache?.Update(layerIdx, ffnState: last);
        return scope.MoveToOuter(padding.Restore(Mix(tokens, delta)));
    }

    /// <summary>Mixes tokens whose difference from the one before is known.</summary>
    protected abstract Tensor Mix(Tensor x, Tensor delta);
}

/// <summary>The channel mixing of RWKV-6: <c>sigmoid(receptance) * value(act(key))</c>.</summary>
internal sealed class RWKV6FeedForward : ChannelMixer
{
    private readonly LerpLinear key;
    private readonly Linear value;
    private readonly LerpLinear receptance;
    private readonly Func<Tensor, Tensor> act;

    public RWKV6FeedForward(long hiddenSize, long intermediateSize, Func<Tensor, Tensor> act, int layerIdx)
        : base(nameof(RWKV6FeedForward), layerIdx)
    {
        this.act = act;
        register_module(nameof(key), key = new LerpLinear(hiddenSize, intermediateSize));
        register_module(nameof(value), value = nn.Linear(intermediateSize, hiddenSize, hasBias: false));
        register_module(nameof(receptance), receptance = new LerpLinear(hiddenSize, hiddenSize));
    }

    protected override Tensor Mix(Tensor x, Tensor delta) =>
        sigmoid(receptance.forward(x, delta)) * value.forward(act(key.forward(x, delta)));
}

/// <summary>The channel mixing of RWKV-7: <c>value(act(key(x + x_k delta)))</c>.</summary>
internal sealed class RWKV7FeedForward : ChannelMixer
{
    private readonly Parameter x_k;
    private readonly Linear key;
    private readonly Linear value;
    private readonly Func<Tensor, Tensor> act;

    public RWKV7FeedForward(long hiddenSize, long intermediateSize, Func<Tensor, Tensor> act, int layerIdx, int numHiddenLayers)
        : base(nameof(RWKV7FeedForward), layerIdx)
    {
        this.act = act;
        using (NewDisposeScope())
        {
            // A channel takes the less of the token before, the higher it stands; all the less in higher layers.
            var power = Math.Pow(1 - (double)layerIdx / numHiddenLayers, 4);
            var share = (arange(hiddenSize, dtype: ScalarType.Float32) / hiddenSize).pow(power);
            register_parameter(nameof(x_k), x_k = new Parameter((1 - share).DetachFromDisposeScope()));
        }

        register_module(nameof(key), key = nn.Linear(hiddenSize, intermediateSize, hasBias: false));
        register_module(nameof(value), value = nn.Linear(intermediateSize, hiddenSize, hasBias: false));
        nn.init.orthogonal_(key.weight!);
        nn.init.zeros_(value.weight!);
    }

    protected override Tensor Mix(Tensor x, Tensor delta) => value.forward(act(key.forward(x.Plus(delta * x_k))));
}
