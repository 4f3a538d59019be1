using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace NewVariant.Model;

/// <summary>
/// Log-decays <c>[.., H, dim]</c> from a token <c>[.., D]</c>, through a bottleneck so that a gate is cheap. At first every channel
/// keeps about 0.96 of itself a token. Yang et al., 2024, arXiv:2312.06635, section 4.4.
/// </summary>
internal sealed class LogDecay : Module<Tensor, Tensor>
{
    private const long Rank = 16;
    private const double Temperature = 16;
    private readonly Linear down, up;
    private readonly long heads;

    public LogDecay(long size, long heads, long headSize)
        : base(nameof(LogDecay))
    {
        this.heads = heads;
        down = Linear(size, Rank, hasBias: false);
        up = Linear(Rank, heads * headSize);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) =>
        (functional.logsigmoid(up.forward(down.forward(x))) / Temperature).view([.. x.shape[..^1], heads, -1]);
}
