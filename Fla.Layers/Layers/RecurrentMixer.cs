using Fla.Dsl;
using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Layers;

/// <summary>
/// A token mixer over recurrences: what all of them share. It checks its input, takes the padding out, carries states from the cache and
/// back, and chooses the mode: a few tokens are computed one by one, longer input in the mode that the layer was made with.
/// </summary>
public abstract class RecurrentMixer : TokenMixer
{
    // Up to here a walk from token to token takes less time than setting a chunk up, measured on a CPU for five of the ops.
    private const long FewTokens = 4;

    private readonly Mode mode;
    private readonly long hiddenSize;

    private protected RecurrentMixer(string name, long hiddenSize, string mode, RecurrenceOp op, int? layerIdx)
        : base(name, layerIdx)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(hiddenSize);
        this.hiddenSize = hiddenSize;
        this.mode = ModeNamed(mode, op);
    }

    /// <inheritdoc/>
    public sealed override Tensor forward(Tensor hiddenStates, Tensor? attentionMask, Cache? cache = null, Tensor? cuSeqlens = null) =>
        Mixed(hiddenStates, attentionMask, cache, cuSeqlens, (x, call, _) => Mix(x, call));

    /// <summary>Mixes tokens <c>[B, T, D]</c>, padding removed.</summary>
    private protected abstract Tensor Mix(Tensor x, MixerCall call);

    /// <summary>Mixes with a function that may take more than tokens; it is given the padding to remove from what else it takes.</summary>
    private protected Tensor Mixed(
        Tensor hiddenStates, Tensor? attentionMask, Cache? cache, Tensor? cuSeqlens, Func<Tensor, MixerCall, Padding, Tensor> mix)
    {
        if (hiddenStates.dim() != 3 || hiddenStates.shape[2] != hiddenSize)
            throw new ArgumentException(
                $"{nameof(hiddenStates)}: expected [B, T, {hiddenSize}], came [{string.Join(", ", hiddenStates.shape)}].",
                nameof(hiddenStates));

        using var scope = torch.NewDisposeScope();
        var past = Past(cache);
        var padding = Padding.Of(hiddenStates, attentionMask, cuSeqlens);
        var (tokens, present) = (hiddenStates.shape[1], padding.Remove(hiddenStates));
        var call = new MixerCall(tokens <= FewTokens ? Mode.FusedRecurrent : mode, padding.CuSeqlens, past, remembers: cache is not null);

        // Where all is padding nothing is mixed, and no state moves.
        var o = present.NumberOfElements == 0 ? zeros_like(hiddenStates) : padding.Restore(mix(present, call, padding));
        if (cache is not null)
            call.Store(cache, IndexIn(cache), tokens);
        return scope.MoveToOuter(o);
    }

    /// <summary>Splits channels into heads: from <c>[B, T, heads D]</c> to <c>[B, T, heads, D]</c>.</summary>
    private protected static Tensor Heads(Tensor x, long heads) => x.reshape(x.shape[0], x.shape[1], heads, x.shape[2] / heads);

    private static Mode ModeNamed(string mode, RecurrenceOp op)
    {
        var named = op.Modes.ToDictionary(known => known switch
        {
            Mode.Chunk => "chunk",
            Mode.FusedChunk => "fused_chunk",
            Mode.FusedRecurrent => "fused_recurrent",
            Mode.Parallel => "parallel",
            _ => throw new ArgumentOutOfRangeException(nameof(op), known, null),
        });
        return named[Require.OneOf(mode, nameof(mode), [.. named.Keys])];
    }
}
