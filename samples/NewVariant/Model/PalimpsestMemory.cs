using static TorchSharp.torch;

namespace NewVariant.Model;

/// <summary>The variant in a token mixer: gates for the keys and for the values.</summary>
internal sealed class PalimpsestMemory : Memory
{
    private readonly LogDecay keyGate, valueGate;

    public PalimpsestMemory(ModelSize size)
        : base(nameof(PalimpsestMemory))
    {
        keyGate = new(size.Channels, size.Heads, size.KeyChannels);
        valueGate = new(size.Channels, size.Heads, size.ValueChannels);
        RegisterComponents();
    }

    public override Tensor Chunk(Tensor x, Tensor q, Tensor k, Tensor v) =>
        Palimpsest.Chunk(q, k, v, keyGate.forward(x), valueGate.forward(x)).o;

    public override (Tensor Output, Tensor State) Step(Tensor x, Tensor q, Tensor k, Tensor v, Tensor? state) =>
        Palimpsest.Step(q, k, v, keyGate.forward(x), valueGate.forward(x), state: state);
}
