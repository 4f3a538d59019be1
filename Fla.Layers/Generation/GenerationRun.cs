using Fla.Layers.Models;
using static TorchSharp.torch;

namespace Fla.Layers.Generation;

/// <summary>
/// One batch of sequences that grow token by token. Everything but the tokens themselves has a constant size, if the model's cache has.
/// </summary>
internal sealed class GenerationRun : IDisposable
{
    private readonly CausalLM model;
    private readonly TokenChoice choice;
    private readonly Cache? cache;
    private Tensor tokens;
    private Tensor? mask;
    private Tensor latest;

    public GenerationRun(CausalLM model, Tensor inputIds, Tensor? attentionMask, GenerationConfig config)
    {
        this.model = model;
        choice = new TokenChoice(config, model.Device);
        cache = config.UseCache ? new Cache() : null;
        using var scope = NewDisposeScope();
        tokens = inputIds.to(model.Device, copy: true).DetachFromDisposeScope();
        latest = tokens.alias().DetachFromDisposeScope();
        mask = attentionMask?.to(model.Device).to(ScalarType.Bool);
        // A mask without padding says nothing.
        mask = mask is null || mask.all().item<bool>() ? null : mask.DetachFromDisposeScope();
    }

    /// <summary>The bytes that are held for earlier tokens.</summary>
    public long CacheBytes => cache?.Bytes ?? 0;

    /// <summary>Computes the next token of each sequence.</summary>
    /// <param name="ended">The sequences that are over.</param>
    /// <param name="padding">What these are given.</param>
    public long[] Next(bool[] ended, long padding)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using var output = model.forward(cache is null ? tokens : latest, mask, cache, logitsToKeep: 1);
        var next = choice.Next(output.Logits!.select(1, 0), Present());
        if (ended.Contains(true)) next = where(tensor(ended, device: next.device).unsqueeze(1), full_like(next, padding), next);
        Replace(ref tokens, cat([tokens, next], 1));
        Replace(ref latest, next);
        if (mask is not null) Replace(ref mask, cat([mask, ones_like(mask.narrow(1, 0, 1))], 1));
        return next.cpu().data<long>().ToArray();
    }

    public void Dispose()
    {
        tokens.Dispose();
        latest.Dispose();
        mask?.Dispose();
        cache?.Dispose();
        choice.Dispose();
    }

    // Padding is no token that was there: its places repeat the last one, which is.
    private Tensor Present() =>
        mask is null ? tokens : where(mask, tokens, tokens.narrow(1, tokens.shape[1] - 1, 1));

    private static void Replace(ref Tensor held, Tensor by)
    {
        held.Dispose();
        held = by.DetachFromDisposeScope();
    }
}
