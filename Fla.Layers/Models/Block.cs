using Fla.Layers.Modules;
using static TorchSharp.torch;

namespace Fla.Layers.Models;

/// <summary>
/// One block of a model: tokens are mixed, then channels, each after a normalisation, and added to the residual. Its submodules are
/// called what the family calls them.
/// </summary>
internal sealed class Block : nn.Module<Tensor, Tensor>, IPrintedAsTree
{
    private readonly Norm? preNorm;
    private readonly Norm mixerNorm;
    private readonly TokenMixer mixer;
    private readonly Norm? feedForwardNorm;
    private readonly nn.Module<Tensor, Tensor>? feedForward;
    private readonly bool residualInFp32;

    public Block(
        string name, (string Name, Norm Module) mixerNorm, (string Name, TokenMixer Module) mixer,
        (string Name, Norm Module)? feedForwardNorm = null, (string Name, nn.Module<Tensor, Tensor> Module)? feedForward = null,
        Norm? preNorm = null, bool residualInFp32 = false)
        : base(name)
    {
        (this.preNorm, this.mixerNorm, this.mixer) = (preNorm, mixerNorm.Module, mixer.Module);
        (this.feedForwardNorm, this.feedForward) = (feedForwardNorm?.Module, feedForward?.Module);
        this.residualInFp32 = residualInFp32;
        if (preNorm is not null) register_module("pre_norm", preNorm);
        register_module(mixerNorm.Name, mixerNorm.Module);
        register_module(mixer.Name, mixer.Module);
        if (feedForwardNorm is var (normName, norm)) register_module(normName, norm);
        if (feedForward is var (feedForwardName, module)) register_module(feedForwardName, module);
    }

    public override Tensor forward(Tensor x) => forward(x, new Flow(null, null, null));

    /// <summary><c>[B, T, D]</c> to <c>[B, T, D]</c>.</summary>
    public Tensor forward(Tensor x, Flow flow)
    {
        using var scope = NewDisposeScope();
        var residual = preNorm is null ? x : preNorm.forward(x);
        var mixed = Mix(mixerNorm.forward(residual), flow);
        // Only what the call's next blocks need leaves this one.
        flow.VFirst?.MoveToOuterDisposeScope();
        if (feedForwardNorm is null || feedForward is null) return scope.MoveToOuter(Sum(mixed, residual));
        var (normalised, sum) = feedForwardNorm.forward(mixed, residual);
        var fed = feedForward is ChannelMixer channelMixer ? channelMixer.forward(normalised, flow) : feedForward.forward(normalised);
        return scope.MoveToOuter(sum.Plus(fed));
    }

    /// <summary>Nothing more: fields are not called what the family calls the submodules.</summary>
    protected override void RegisterComponents()
    {
    }

    public override string ToString() => ModuleTree.Text(this);

    private Tensor Sum(Tensor mixed, Tensor residual) =>
        residualInFp32 ? residual.to(Precision.Wide(residual.dtype)).Plus(mixed).to(residual.dtype) : residual.Plus(mixed);

    private Tensor Mix(Tensor x, Flow flow)
    {
        var (mask, cache, cuSeqlens) = flow;
        switch (mixer)
        {
            case HGRNAttention hgrn:
                return hgrn.forward(x, mask, cache, cuSeqlens, flow.LowerBounds?.select(0, hgrn.LayerIdx!.Value));
            case HGRN2Attention hgrn2:
                return hgrn2.forward(x, mask, cache, cuSeqlens, flow.LowerBounds?.select(0, hgrn2.LayerIdx!.Value));
            case RWKV7Attention rwkv7:
                var (output, values) = rwkv7.forward(x, mask, cache, cuSeqlens, flow.VFirst);
                flow.VFirst = values;
                return output;
            default:
                return mixer.forward(x, mask, cache, cuSeqlens);
        }
    }
}
