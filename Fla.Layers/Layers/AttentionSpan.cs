using Fla.Dsl;
using Fla.Dsl.Runtime;
using static TorchSharp.torch;

namespace Fla.Layers;

/// <summary>
/// Which tokens may see which in one call of softmax attention, and their positions: whole sequences, left-padded ones, new tokens
/// after cached ones, or sequences packed into one.
/// </summary>
internal sealed class AttentionSpan
{
    private readonly Tensor? mask;
    private readonly long[]? limits;
    private readonly long queries;
    private readonly Device device;

    private AttentionSpan(Tensor positions, Tensor? mask, long[]? limits, long queries) =>
        (Positions, this.mask, this.limits, this.queries, device) = (positions, mask, limits, queries, positions.device);

    /// <summary>The position of each query, <c>[B, T]</c> or <c>[1, T]</c>; padding does not count.</summary>
    public Tensor Positions { get; }

    /// <param name="hiddenStates"><c>[B, T, D]</c></param>
    /// <param name="mask"><c>[B, seen + T]</c></param>
    /// <param name="cache">The cache, if there is one.</param>
    /// <param name="cuSeqlens">The limits of packed sequences.</param>
    /// <param name="seen">How many tokens are cached.</param>
    /// <exception cref="ArgumentException">The shapes do not fit, or the sequences are packed and cached.</exception>
    public static AttentionSpan Of(Tensor hiddenStates, Tensor? mask, Cache? cache, Tensor? cuSeqlens, long seen)
    {
        var (batch, time) = (hiddenStates.shape[0], hiddenStates.shape[1]);
        if (cuSeqlens is not null)
        {
            if (cache is not null)
                throw new ArgumentException("expected no cache where sequences are packed, came one", nameof(cache));
            var limits = SequenceOffsets.Of(cuSeqlens, batch, time);
            var local = cat([.. limits.Zip(limits.Skip(1), (begin, end) => arange(end - begin, device: hiddenStates.device))]);
            return new(local.unsqueeze(0), null, limits, time);
        }

        if (mask is null) return new(arange(seen, seen + time, device: hiddenStates.device).unsqueeze(0), null, null, time);
        if (mask.dim() != 2 || mask.shape[0] != batch || mask.shape[1] != seen + time)
        {
            throw new ArgumentException(
                $"expected an attention mask [{batch}, {seen + time}] over all tokens so far, came [{string.Join(", ", mask.shape)}]",
                nameof(mask));
        }

        var count = mask.to(ScalarType.Int64).cumsum(1).sub(Scalars.One).clamp_min(Scalars.Zero);
        return new(count.narrow(1, seen, time), mask.to(ScalarType.Bool), null, time);
    }

    /// <summary>Attends. Queries at padding give zeros.</summary>
    /// <param name="q"><c>[B, H, T, d]</c></param>
    /// <param name="k"><c>[B, H, L, d]</c>, the last keys so far.</param>
    /// <param name="v"><c>[B, H, L, d]</c></param>
    /// <param name="window">How many tokens a token sees, itself included.</param>
    /// <returns><c>[B, H, T, d]</c></returns>
    public Tensor Attend(Tensor q, Tensor k, Tensor v, long? window)
    {
        if (limits is not null)
        {
            var outputs = limits.Zip(limits.Skip(1)).Where(pair => pair.First < pair.Second).Select(pair =>
            {
                var (begin, length) = (pair.First, pair.Second - pair.First);
                return Product(q.narrow(2, begin, length), k.narrow(2, begin, length), v.narrow(2, begin, length), window, null);
            });
            return cat([.. outputs], 2);
        }

        if (mask is null) return Product(q, k, v, window, null);
        var output = Product(q, k, v, window, mask.narrow(1, mask.shape[1] - k.shape[2], k.shape[2]));
        return output * mask.narrow(1, mask.shape[1] - queries, queries).to(q.dtype)[.., TensorIndex.None, .., TensorIndex.None];
    }

    private Tensor Product(Tensor q, Tensor k, Tensor v, long? window, Tensor? present)
    {
        var (time, length) = (q.shape[2], k.shape[2]);
        var windowed = window < length;
        if (present is null && !windowed && (time == length || time == 1))
            return nn.functional.scaled_dot_product_attention(q, k, v, is_casual: time > 1);

        // The distance from a query to a key: the last query stands at the last key.
        var at = arange(length, device: device);
        var distance = at.narrow(0, length - time, time).unsqueeze(1) - at;
        var allowed = distance >= Scalars.Zero;
        if (windowed) allowed = allowed.logical_and(distance < Scalars.Of(window!.Value));
        if (present is not null)
        {
            // Padding sees itself, for a softmax over nothing is no number.
            allowed = allowed.logical_and(present[.., TensorIndex.None, TensorIndex.None, ..]).logical_or(distance == Scalars.Zero);
        }

        return nn.functional.scaled_dot_product_attention(q, k, v, allowed);
    }
}
