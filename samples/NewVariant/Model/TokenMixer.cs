using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace NewVariant.Model;

/// <summary>What a token mixer carries from one token to the next when decoding.</summary>
/// <param name="Recent">The last inputs of its convolution.</param>
/// <param name="Memory">The state of its operator.</param>
internal sealed record MixerState(Tensor Recent, Tensor Memory);

/// <summary>The part of a block that sees other tokens: projections into heads, the memory, a norm per head, an output gate.</summary>
internal sealed class TokenMixer : Module<Tensor, Tensor>
{
    private readonly ShortConvolution convolution;
    private readonly Linear query, key, value, gate, output;
    private readonly Memory memory;
    private readonly RmsNorm norm;
    private readonly long heads;

    public TokenMixer(ModelSize size, Memory memory)
        : base(nameof(TokenMixer))
    {
        heads = size.Heads;
        this.memory = memory;
        convolution = new(size.Channels);
        query = Linear(size.Channels, size.Heads * size.KeyChannels, hasBias: false);
        key = Linear(size.Channels, size.Heads * size.KeyChannels, hasBias: false);
        value = Linear(size.Channels, size.Channels, hasBias: false);
        gate = Linear(size.Channels, size.Channels, hasBias: false);
        output = Linear(size.Channels, size.Channels, hasBias: false);
        norm = new(size.ValueChannels);
        RegisterComponents();
    }

    /// <summary>Whole sequences <c>[B, T, D]</c>.</summary>
    public override Tensor forward(Tensor x)
    {
        var mixed = convolution.forward(x);
        return Finish(mixed, memory.Chunk(mixed, Heads(query, mixed), Heads(key, mixed), Heads(value, mixed)));
    }

    /// <summary>One more token <c>[B, D]</c>; a null state is that before the first.</summary>
    public (Tensor Output, MixerState State) Step(Tensor x, MixerState? state)
    {
        var (mixed, recent) = convolution.Step(x, state?.Recent);
        var (o, next) = memory.Step(mixed, Heads(query, mixed), Heads(key, mixed), Heads(value, mixed), state?.Memory);
        return (Finish(mixed, o), new(recent, next));
    }

    private Tensor Heads(Linear projection, Tensor x) => projection.forward(x).view([.. x.shape[..^1], heads, -1]);

    private Tensor Finish(Tensor x, Tensor o) => output.forward(norm.forward(o).flatten(-2) * functional.silu(gate.forward(x)));
}
