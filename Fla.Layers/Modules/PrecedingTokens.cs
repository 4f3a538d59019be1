using Fla.Dsl;
using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Layers.Modules;

/// <summary>
/// Sequences with the tokens that came before them put in front, so that an operation which looks back a fixed number of tokens
/// needs to know nothing of where a sequence begins: plain batches, packed sequences and decoding are one.
/// </summary>
internal sealed class PrecedingTokens
{
    private readonly long reach;
    private readonly long[]? offsets; // of packed sequences

    private PrecedingTokens(Tensor rows, long reach, long[]? offsets)
    {
        Rows = rows;
        this.reach = reach;
        this.offsets = offsets;
    }

    /// <summary><c>[B, reach + T, D]</c>; for packed sequences <c>[1, N reach + T, D]</c>, each behind its own past.</summary>
    public Tensor Rows { get; }

    /// <summary>Puts the past of each sequence in front of it.</summary>
    /// <param name="x"><c>[B, T, D]</c>.</param>
    /// <param name="past">The last tokens before x, <c>[N, reach, D]</c>, or null for zeros.</param>
    /// <param name="reach">How far to look back.</param>
    /// <param name="cuSeqlens">For packed sequences, where they begin.</param>
    /// <param name="pastName">What the caller calls the past.</param>
    /// <exception cref="ArgumentException">The past or the offsets do not fit.</exception>
    public static PrecedingTokens Of(Tensor x, Tensor? past, long reach, Tensor? cuSeqlens, string pastName)
    {
        var (batch, tokens, channels) = (x.shape[0], x.shape[1], x.shape[2]);
        var offsets = SequenceOffsets.Of(cuSeqlens, batch, tokens);
        var sequences = offsets.Length - 1;
        long[] expected = [sequences, reach, channels];
        if (past is not null && !past.shape.SequenceEqual(expected))
            throw new ArgumentException(
                $"{pastName}: expected a past of [{string.Join(", ", expected)}] ([N, tokens, D]), came [{string.Join(", ", past.shape)}].",
                pastName);

        var before = past?.to(x.dtype) ?? torch.zeros(expected, x.dtype, x.device);
        if (cuSeqlens is null)
            return new(torch.cat([before, x], dim: 1), reach, null);

        // In the order past of 0, past of 1, .., tokens: the rows of each sequence's past and of its own tokens.
        var order = Enumerable.Range(0, sequences).SelectMany(n =>
            Count(n * reach, reach).Concat(Count(sequences * reach + offsets[n], offsets[n + 1] - offsets[n])));
        var all = torch.cat([before.reshape(1, -1, channels), x], dim: 1);
        return new(Pick(all, order), reach, offsets);
    }

    /// <summary>Of something that stands one for one to the rows from <paramref name="first"/> on, what stands at the tokens.</summary>
    public Tensor AtTokens(Tensor rows, long first) =>
        offsets is null
            ? rows.narrow(1, reach - first, Rows.shape[1] - reach)
            : Pick(rows, Sequences.SelectMany(n => Count((n + 1) * reach - first + offsets[n], offsets[n + 1] - offsets[n])));

    /// <summary>The last tokens of each sequence, its past among them where it is short: <c>[N, reach, D]</c>.</summary>
    public Tensor Last() =>
        offsets is null
            ? Rows.narrow(1, Rows.shape[1] - reach, reach)
            : Pick(Rows, Sequences.SelectMany(n => Count(n * reach + offsets[n + 1], reach))).view(offsets.Length - 1, reach, Rows.shape[2]);

    private IEnumerable<int> Sequences => Enumerable.Range(0, offsets!.Length - 1);

    private static IEnumerable<long> Count(long first, long count)
    {
        for (var i = first; i < first + count; i++)
            yield return i;
    }

    private static Tensor Pick(Tensor rows, IEnumerable<long> indices) =>
        rows.index_select(1, torch.tensor(indices.ToArray(), device: rows.device));
}
