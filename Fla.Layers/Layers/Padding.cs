using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Layers;

/// <summary>
/// The padding of a batch. Tokens are packed without it before a layer sees them, so that padding changes nothing, wherever it
/// stands; the outputs are put back to where the tokens came from.
/// </summary>
internal sealed class Padding
{
    private readonly Tensor? tokens; // the places of the tokens among all [B * T]; null if there is no padding
    private readonly long batch, length;

    private Padding(Tensor x, Tensor? cuSeqlens, Tensor? tokens)
    {
        (batch, length) = (x.shape[0], x.shape[1]);
        (CuSeqlens, this.tokens) = (cuSeqlens, tokens);
    }

    /// <summary>Where the sequences begin once the padding is removed; null if they are not packed.</summary>
    public Tensor? CuSeqlens { get; }

    /// <summary>Reads a mask.</summary>
    /// <param name="x"><c>[B, T, D]</c>.</param>
    /// <param name="attentionMask"><c>[B, L]</c>, 0 for padding, the last T for x; not looked at for packed sequences.</param>
    /// <param name="cuSeqlens">Of sequences that are packed already.</param>
    /// <exception cref="ArgumentException">The mask does not fit.</exception>
    public static Padding Of(Tensor x, Tensor? attentionMask, Tensor? cuSeqlens)
    {
        if (attentionMask is null || cuSeqlens is not null)
            return new(x, cuSeqlens, null);

        var (batch, length) = (x.shape[0], x.shape[1]);
        if (attentionMask.dim() != 2 || attentionMask.shape[0] != batch || attentionMask.shape[1] < length)
            throw new ArgumentException(
                $"{nameof(attentionMask)}: expected [{batch}, {length} or more], came [{string.Join(", ", attentionMask.shape)}].",
                nameof(attentionMask));

        var present = attentionMask.narrow(1, attentionMask.shape[1] - length, length).to(ScalarType.Bool);
        if (present.all().item<bool>())
            return new(x, null, null);

        var lengths = present.sum(1, type: ScalarType.Int64);
        var offsets = torch.cat([torch.zeros_like(lengths.narrow(0, 0, 1)), lengths.cumsum(0)]);
        return new(x, offsets, present.flatten().nonzero().squeeze(1));
    }

    /// <summary>The tokens alone: from <c>[B, T, ..]</c> to <c>[1, tokens, ..]</c>, or what came where there is no padding.</summary>
    public Tensor Remove(Tensor x) => tokens is null ? x : x.flatten(0, 1).index_select(0, tokens).unsqueeze(0);

    /// <summary>Back to where they were, with zeros at padding.</summary>
    public Tensor Restore(Tensor y)
    {
        if (tokens is null)
            return y;

        long[] inner = y.shape[2..];
        var empty = torch.zeros([batch * length, .. inner], y.dtype, y.device);
        return empty.index_copy(0, tokens, y.squeeze(0)).view([batch, length, .. inner]);
    }
}
