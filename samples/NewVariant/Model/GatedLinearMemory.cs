using Fla.Ops;
using static TorchSharp.torch;

namespace NewVariant.Model;

/// <summary>The baseline in a token mixer: gated linear attention, gates for the keys.</summary>
internal sealed class GatedLinearMemory : Memory
{
    private readonly LogDecay keyGate;

    public GatedLinearMemory(ModelSize size)
        : base(nameof(GatedLinearMemory))
    {
        keyGate = new(size.Channels, size.Heads, size.KeyChannels);
        RegisterComponents();
    }

    public override Tensor Chunk(Tensor x, Tensor q, Tensor k, Tensor v) => GatedLinearAttention.Chunk(q, k, v, keyGate.forward(x)).o;

    public override (Tensor Output, Tensor State) Step(Tensor x, Tensor q, Tensor k, Tensor v, Tensor? state) =>
        GatedLinearAttention.Step(q, k, v, keyGate.forward(x), state: state);
}
