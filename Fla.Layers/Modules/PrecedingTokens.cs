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
    private readonly Tensor? behind, lastRows; // of packed sequences: how many rows of pasts are before a token; the rows to remember

    private PrecedingTokens(Tensor rows, long reach, Tensor? behind = null, Tensor? lastRows = null) =>
        (Rows, this.reach, this.behind, this.lastRows) = (rows, reach, behind, lastRows);

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
        var sequences = SequenceOffsets.Of(cuSeqlens, batch, tokens).Length - 1;
        long[] expected = [sequences, reach, channels];
        if (past is not null && !past.shape.SequenceEqual(expected))
            throw new ArgumentException(
                $"{pastName}: expected a past of [{string.Join(", ", expected)}] ([N, tokens, D]), came [{string.Join(", ", past.shape)}].",
                pastName);

        var before = past?.to(x.dtype) ?? torch.zeros(expected, x.dtype, x.device);
        return cuSeqlens is null
            ? new(torch.cat([before, x], dim: 1), reach)
            : Packed(torch.cat([before.reshape(1, sequences * reach, channels), x], dim: 1), reach, cuSeqlens.to(ScalarType.Int64));
    }

    /// <summary>Of something that stands one for one to the rows from <paramref name="first"/> on, what stands at the tokens.</summary>
    public Tensor AtTokens(Tensor rows, long first) =>
        behind is null
            ? rows.narrow(1, reach - first, Rows.shape[1] - reach)
            : rows.index_select(1, Places(behind, -first));

    /// <summary>The last tokens of each sequence, its past among them where it is short: <c>[N, reach, D]</c>.</summary>
    public Tensor Last() =>
        lastRows is null
            ? Rows.narrow(1, Rows.shape[1] - reach, reach)
            : Rows.index_select(1, lastRows.flatten()).view(lastRows.shape[0], reach, Rows.shape[2]);

    /// <summary>Interleaves the pasts of all sequences, which come first, with their tokens.</summary>
    private static PrecedingTokens Packed(Tensor pastsAndTokens, long reach, Tensor cuSeqlens)
    {
        var device = pastsAndTokens.device;
        cuSeqlens = cuSeqlens.to(device);
        var sequences = cuSeqlens.shape[0] - 1;
        var (begins, ends) = (cuSeqlens.narrow(0, 0, sequences), cuSeqlens.narrow(0, 1, sequences));
        var ahead = torch.arange(0, sequences * reach, reach, device: device);
        var reached = torch.arange(reach, device: device).unsqueeze(0);

        var behind = torch.arange(reach, (sequences + 1) * reach, reach, device: device).repeat_interleave(ends - begins);
        var pastRows = begins.Plus(ahead).unsqueeze(1).Plus(reached);
        var lastRows = ends.Plus(ahead).unsqueeze(1).Plus(reached);
        var order = torch.arange(pastsAndTokens.shape[1], device: device);
        var source = torch.zeros_like(order).scatter(0, torch.cat([pastRows.flatten(), Places(behind, 0)]), order);
        return new(pastsAndTokens.index_select(1, source), reach, behind, lastRows);
    }

    // Counts tokens from a number on, and adds what is behind them.
    private static Tensor Places(Tensor behind, long first) =>
        torch.arange(first, first + behind.shape[0], device: behind.device).Plus(behind);
}
