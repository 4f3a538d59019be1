using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Dsl.Runtime;

/// <summary>
/// Moves tensors between the layout of users and chunk rows, casting on the way, and moves gradients back: every method has its
/// adjoint beside it. Tokens are <c>[B, T, Ha, D]</c> here and rows <c>[rows, H, C, D]</c>; an argument of Ha heads is repeated to
/// H, head h reading h / (H / Ha), and its gradient summed back.
/// </summary>
/// <remarks>Its index tensors live in the dispose scope it is made in.</remarks>
internal sealed class RowTransfer
{
    private readonly ChunkLayout layout;
    private readonly Device device;
    private readonly ScalarType compute;
    private readonly long heads;

    // Packed layouts only. A place is a position in the flattened rows.
    private readonly Tensor? tokenAtPlace;              // of every place; any token for padding
    private readonly Tensor? padding;                   // the places that hold no token
    private readonly Tensor? occupied, occupants;       // the places that do, ascending, and their tokens
    private readonly long[] tokensBefore = [];          // how many of them lie before a place
    private readonly Tensor? order, placeInOrder;       // of the sequences

    public RowTransfer(ChunkLayout layout, Device device, ScalarType compute, long heads)
    {
        (this.layout, this.device, this.compute, this.heads) = (layout, device, compute, heads);
        if (!layout.Packed)
            return;

        var tokens = layout.TokenAtPlace();
        var places = Enumerable.Range(0, tokens.Length).Select(place => (long)place).ToLookup(place => tokens[place] >= 0);
        tokensBefore = new long[tokens.Length + 1];
        for (var place = 0; place < tokens.Length; place++)
            tokensBefore[place + 1] = tokensBefore[place] + (tokens[place] >= 0 ? 1 : 0);

        tokenAtPlace = Index([.. tokens.Select(token => Math.Max(token, 0))]);
        padding = layout.IsPadded ? Index([.. places[false]]) : null;
        occupied = Index([.. places[true]]);
        occupants = Index([.. places[true].Select(place => tokens[place])]);

        order = Index([.. layout.Order.Select(sequence => (long)sequence)]);
        placeInOrder = order.argsort();
    }

    /// <summary>1 for a token, 0 for padding: <c>[rows, 1, C, 1]</c>.</summary>
    public Tensor Mask()
    {
        var mask = torch.ones([layout.Rows, 1, layout.Chunk, 1], compute, device);
        if (padding is not null)
            mask.view(-1).index_fill_(0, padding, Scalars.Zero);
        else if (layout.IsPadded)
            mask.narrow(0, layout.First(layout.Steps - 1), layout.Batch).narrow(2, Tail, layout.Chunk - Tail).zero_();

        return mask;
    }

    /// <summary>Tokens <c>[B, T, Ha, D]</c> to rows, zeros where there is no token.</summary>
    public Tensor ToRows(Tensor tokens)
    {
        var (own, dim) = (tokens.shape[2], tokens.shape[3]);
        var repeats = heads / own;
        if (repeats == 1 && tokens.dtype == compute && !layout.IsPadded && !layout.Packed)
            return Steps(tokens.narrow(1, 0, layout.Tokens), own, dim).squeeze(3).reshape(layout.Rows, heads, layout.Chunk, dim);

        var rows = Unwritten.Tensor([layout.Rows, own, repeats, layout.Chunk, dim], compute, device);
        if (layout.Packed)
        {
            // Padding takes some token and is then overwritten, not multiplied by 0: 0 * NaN is no 0.
            var places = tokens.squeeze(0).index_select(0, tokenAtPlace!);
            if (padding is not null)
                places.index_fill_(0, padding, Scalars.Zero);
            rows.copy_(places.view(layout.Rows, layout.Chunk, own, 1, dim).permute(0, 2, 3, 1, 4));
        }
        else
        {
            var bySteps = rows.view(layout.Steps, layout.Batch, own, repeats, layout.Chunk, dim);
            if (Full > 0)
                bySteps.narrow(0, 0, Full).copy_(Steps(tokens.narrow(1, 0, Full * layout.Chunk), own, dim));
            if (Tail > 0)
            {
                var last = bySteps.narrow(0, Full, 1).squeeze(0);
                last.narrow(3, 0, Tail).copy_(tokens.narrow(1, Full * layout.Chunk, Tail).unsqueeze(3).permute(0, 2, 3, 1, 4));
                last.narrow(3, Tail, layout.Chunk - Tail).zero_();
            }
        }

        return rows.view(layout.Rows, heads, layout.Chunk, dim);
    }

    /// <summary>
    /// Writes the rows of some steps where their tokens stand in <c>[B, T, Ha, D]</c>, summed over the heads that read the same one:
    /// the adjoint of <see cref="ToRows"/>, and where Ha = H its inverse.
    /// </summary>
    public void ToTokens(Tensor rows, int step, int steps, Tensor tokens)
    {
        var (own, dim, chunk) = (tokens.shape[2], tokens.shape[3], layout.Chunk);
        var (first, count) = (layout.First(step), layout.First(step + steps) - layout.First(step));
        var all = rows.expand(count, heads, chunk, dim);
        var summed = own == heads ? all : all.reshape(count, own, heads / own, chunk, dim).sum(2);
        if (layout.Packed)
        {
            var places = summed.permute(0, 2, 1, 3).reshape(count * chunk, own, dim);
            var (from, to) = (tokensBefore[first * chunk], tokensBefore[(first + count) * chunk]);
            var taken = occupied!.narrow(0, from, to - from).sub(torch.tensor(first * chunk));
            var values = places.index_select(0, taken).to(tokens.dtype);
            tokens.squeeze(0).index_copy_(0, occupants!.narrow(0, from, to - from), values);
            return;
        }

        var bySteps = summed.reshape(steps, layout.Batch, own, chunk, dim);
        var full = Math.Min(steps, Full - step);
        if (full > 0)
            Steps(tokens.narrow(1, step * chunk, full * chunk), own, dim).squeeze(3).copy_(bySteps.narrow(0, 0, full));
        if (full < steps)
            tokens.narrow(1, Full * chunk, Tail).permute(0, 2, 1, 3).copy_(bySteps.narrow(0, full, 1).squeeze(0).narrow(2, 0, Tail));
    }

    /// <summary>A per-head argument <c>[1, Ha, R, C]</c> to one row of all heads.</summary>
    public Tensor ToRow(Tensor perHead) => perHead.to(compute).repeat_interleave(heads / perHead.shape[1], 1);

    /// <summary>The adjoint of <see cref="ToRow"/>, for a gradient already summed over the rows.</summary>
    public void ToPerHead(Tensor row, Tensor perHead) =>
        perHead.copy_(row.unflatten(1, perHead.shape[1], heads / perHead.shape[1]).sum(2));

    /// <summary>States of sequences <c>[N, H, R, C]</c> in the order of the rows.</summary>
    public Tensor ToOrder(Tensor states) => Reorder(states.to(compute), order);

    /// <summary>Writes states in the order of the rows in that of sequences: inverse and adjoint of <see cref="ToOrder"/>.</summary>
    public void ToSequences(Tensor ordered, Tensor states) => states.copy_(Reorder(ordered, placeInOrder));

    private long Full => layout.Tokens / layout.Chunk;

    private long Tail => layout.Tokens % layout.Chunk;

    // [B, n C, Ha, D] seen as [n, B, Ha, 1, C, D]
    private Tensor Steps(Tensor tokens, long own, long dim) =>
        tokens.view(layout.Batch, -1, layout.Chunk, own, 1, dim).permute(1, 0, 3, 4, 2, 5);

    private Tensor Index(long[] values) => torch.tensor(values, device: device);

    private static Tensor Reorder(Tensor states, Tensor? index) => index is null ? states : states.index_select(0, index);
}
