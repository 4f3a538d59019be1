using Fla.Dsl.Runtime;
using Fla.Layers.Modules;
using static TorchSharp.torch;

namespace Fla.Layers.Generation;

/// <summary>Chooses the next token of each sequence from its logits.</summary>
internal sealed class TokenChoice : IDisposable
{
    private readonly GenerationConfig config;
    private readonly Generator? generator;

    public TokenChoice(GenerationConfig config, Device device)
    {
        this.config = config;
        if (config is { DoSample: true, Seed: { } seed }) generator = new Generator((ulong)seed, device);
    }

    /// <summary>The next tokens.</summary>
    /// <param name="logits"><c>[B, V]</c></param>
    /// <param name="present"><c>[B, L]</c>, the tokens that are there already.</param>
    /// <returns><c>[B, 1]</c>, int64.</returns>
    public Tensor Next(Tensor logits, Tensor present)
    {
        using var scope = NewDisposeScope();
        var scores = Precision.Widen(logits);
        if (config.RepetitionPenalty != 1) scores = Penalised(scores, present);
        if (!config.DoSample) return scope.MoveToOuter(scores.argmax(-1, keepdim: true));
        if (config.Temperature != 1) scores = scores.div(Scalars.Of(config.Temperature));
        if (config.TopK is { } count && count < scores.shape[1]) scores = Likeliest(scores, count);
        if (config.TopP < 1) scores = Nucleus(scores);
        return scope.MoveToOuter(scores.softmax(-1).multinomial(1, generator: generator));
    }

    public void Dispose() => generator?.Dispose();

    private Tensor Penalised(Tensor scores, Tensor present)
    {
        var penalty = Scalars.Of(config.RepetitionPenalty);
        var before = scores.gather(1, present);
        return scores.scatter(1, present, where(before < Scalars.Zero, before.mul(penalty), before.div(penalty)));
    }

    private static Tensor Likeliest(Tensor scores, int count)
    {
        var (values, _) = scores.topk(count, -1);
        return scores.masked_fill(scores < values.narrow(1, count - 1, 1), Scalars.Of(double.NegativeInfinity));
    }

    // A token stays while those before it fall short of the sum, so that the likeliest always stays. Holtzman et al., arXiv:1904.09751.
    private Tensor Nucleus(Tensor scores)
    {
        var (sorted, places) = scores.sort(-1, descending: true);
        var shares = sorted.softmax(-1);
        var superfluous = (shares.cumsum(-1) - shares) >= Scalars.Of(config.TopP);
        return scores.masked_fill(
            zeros_like(superfluous).scatter(1, places, superfluous), Scalars.Of(double.NegativeInfinity));
    }
}
