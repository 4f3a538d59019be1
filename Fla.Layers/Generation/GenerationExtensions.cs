using Fla.Layers.Models;
using static TorchSharp.torch;

namespace Fla.Layers.Generation;

/// <summary>Continues sequences token by token.</summary>
public static class GenerationExtensions
{
    /// <summary>Continues sequences until they end or are long enough.</summary>
    /// <param name="model">The model.</param>
    /// <param name="inputIds"><c>[B, T]</c>, the prompts; shorter ones filled up on the left.</param>
    /// <param name="config">How tokens are chosen, and when to stop.</param>
    /// <param name="attentionMask"><c>[B, T]</c>, 0 where a prompt was filled up; null where none was.</param>
    /// <param name="cancellation">Stops between two tokens.</param>
    /// <returns><c>[B, T + new]</c>, on the device of the input.</returns>
    /// <exception cref="ArgumentException">A setting is out of range, or a shape does not fit.</exception>
    public static Tensor Generate(
        this CausalLM model, Tensor inputIds, GenerationConfig? config = null, Tensor? attentionMask = null,
        CancellationToken cancellation = default)
    {
        var steps = model.Stream(inputIds, config, attentionMask, cancellation).ToArray();
        using var scope = NewDisposeScope();
        if (steps.Length == 0) return scope.MoveToOuter(inputIds.clone());
        var batch = steps[0].Count;
        var flat = Enumerable.Range(0, batch).SelectMany(row => steps.Select(step => step[row])).ToArray();
        return scope.MoveToOuter(cat([inputIds, tensor(flat, [batch, steps.Length], device: inputIds.device)], 1));
    }

    /// <summary>Continues sequences, and gives each token as it is known: one for each sequence of the batch.</summary>
    /// <param name="model">The model.</param>
    /// <param name="inputIds"><c>[B, T]</c>, the prompts; shorter ones filled up on the left.</param>
    /// <param name="config">How tokens are chosen, and when to stop.</param>
    /// <param name="attentionMask"><c>[B, T]</c>, 0 where a prompt was filled up; null where none was.</param>
    /// <param name="cancellation">Stops between two tokens.</param>
    /// <returns>The tokens of each step. Sequences that have ended give padding until all have.</returns>
    /// <exception cref="ArgumentException">A setting is out of range, or a shape does not fit.</exception>
    public static IEnumerable<IReadOnlyList<long>> Stream(
        this CausalLM model, Tensor inputIds, GenerationConfig? config = null, Tensor? attentionMask = null,
        CancellationToken cancellation = default)
    {
        config ??= new GenerationConfig();
        config.Validate();
        if (inputIds.dim() != 2)
            throw new ArgumentException($"expected prompts [B, T], came {inputIds.dim()} dimensions", nameof(inputIds));
        if (attentionMask is not null && !attentionMask.shape.SequenceEqual(inputIds.shape))
        {
            throw new ArgumentException(
                $"expected a mask [{string.Join(", ", inputIds.shape)}], came [{string.Join(", ", attentionMask.shape)}]",
                nameof(attentionMask));
        }

        if (attentionMask is not null)
        {
            using var last = attentionMask.select(1, attentionMask.shape[1] - 1).to(ScalarType.Bool);
            using var all = last.all();
            if (!all.item<bool>())
                throw new ArgumentException("expected prompts filled up on the left, came one on the right", nameof(attentionMask));
        }

        return Steps(model, inputIds, config, attentionMask, cancellation);
    }

    private static IEnumerable<IReadOnlyList<long>> Steps(
        CausalLM model, Tensor inputIds, GenerationConfig config, Tensor? attentionMask, CancellationToken cancellation)
    {
        var ends = config.EosTokenIds ?? model.Config.EosTokenId?.Ids ?? [];
        var padding = config.PadTokenId ?? model.Config.PadTokenId ?? (ends.Count > 0 ? ends[0] : 0);
        using var run = new GenerationRun(model, inputIds, attentionMask, config);
        var ended = new bool[inputIds.shape[0]];
        for (var count = Limit(config, inputIds.shape[1]); count > 0 && !ended.All(over => over); count--)
        {
            cancellation.ThrowIfCancellationRequested();
            var step = run.Next(ended, padding);
            for (var row = 0; row < step.Length; row++) ended[row] |= ends.Contains(step[row]);
            yield return step;
        }
    }

    private static long Limit(GenerationConfig config, long promptLength) =>
        Math.Min(config.MaxNewTokens ?? long.MaxValue, (config.MaxLength - promptLength) ?? long.MaxValue);
}
