using static TorchSharp.torch;

namespace NewVariant.Model;

/// <summary>A residual block: first mix tokens, then channels.</summary>
internal sealed class Block : nn.Module<Tensor, Tensor>
{
    private readonly RmsNorm mixerNorm, mlpNorm;
    private readonly TokenMixer mixer;
    private readonly SwiGlu mlp;

    public Block(ModelSize size, Memory memory)
        : base(nameof(Block))
    {
        mixerNorm = new(size.Channels);
        mixer = new(size, memory);
        mlpNorm = new(size.Channels);
        mlp = new(size.Channels, size.Hidden);
        RegisterComponents();
    }

    /// <summary>Whole sequences <c>[B, T, D]</c>.</summary>
    public override Tensor forward(Tensor x) => MixChannels(x + mixer.forward(mixerNorm.forward(x)));

    /// <summary>One more token <c>[B, D]</c>.</summary>
    public (Tensor Output, MixerState State) Step(Tensor x, MixerState? state)
    {
        var (mixed, next) = mixer.Step(mixerNorm.forward(x), state);
        return (MixChannels(x + mixed), next);
    }

    private Tensor MixChannels(Tensor x) => x + mlp.forward(mlpNorm.forward(x));
}
