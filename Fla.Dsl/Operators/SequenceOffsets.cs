using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Dsl;

/// <summary>Where the sequences of a call begin in the flattened tokens: checks <c>cuSeqlens</c>.</summary>
internal static class SequenceOffsets
{
    /// <summary>The N + 1 offsets: those of <paramref name="cuSeqlens"/>, or without it one sequence per batch entry.</summary>
    /// <exception cref="ArgumentException">They do not cut the tokens into sequences.</exception>
    public static long[] Of(Tensor? cuSeqlens, long batch, long tokens)
    {
        if (cuSeqlens is null)
            return [.. Enumerable.Range(0, (int)batch + 1).Select(n => n * tokens)];

        if (cuSeqlens.IsInvalid)
            throw Mismatch("a tensor", "a disposed one");
        if (cuSeqlens.dtype is not (ScalarType.Int64 or ScalarType.Int32))
            throw Mismatch("Int64 or Int32", $"{cuSeqlens.dtype}");
        if (cuSeqlens.dim() != 1 || cuSeqlens.shape[0] < 2)
            throw Mismatch("[N + 1] offsets of at least one sequence", $"[{string.Join(", ", cuSeqlens.shape)}]");
        if (batch != 1)
            throw Mismatch("B = 1, the sequences packed along T", $"B = {batch}");

        using var scope = torch.NewDisposeScope();
        var offsets = cuSeqlens.to(ScalarType.Int64).cpu().data<long>().ToArray();
        if (offsets[0] != 0)
            throw Mismatch("0 first", $"{offsets[0]}");
        if (offsets[^1] != tokens)
            throw Mismatch($"the number of tokens T = {tokens} last", $"{offsets[^1]}");
        for (var n = 1; n < offsets.Length; n++)
            if (offsets[n] < offsets[n - 1])
                throw Mismatch("offsets that never fall", $"{offsets[n]} after {offsets[n - 1]} at {n}");

        return offsets;

        static ArgumentException Mismatch(string expected, string came) =>
            new($"{nameof(cuSeqlens)}: expected {expected}; came {came}.", nameof(cuSeqlens));
    }
}
