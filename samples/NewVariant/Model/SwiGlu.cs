using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace NewVariant.Model;

/// <summary>The gated MLP of a block: <c>down(silu(gate(x)) * up(x))</c>. Shazeer, 2020, arXiv:2002.05202.</summary>
internal sealed class SwiGlu : Module<Tensor, Tensor>
{
    private readonly Linear gate, up, down;

    public SwiGlu(long size, long hidden)
        : base(nameof(SwiGlu))
    {
        gate = Linear(size, hidden, hasBias: false);
        up = Linear(size, hidden, hasBias: false);
        down = Linear(hidden, size, hasBias: false);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => down.forward(functional.silu(gate.forward(x)) * up.forward(x));
}
