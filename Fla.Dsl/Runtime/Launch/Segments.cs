namespace Fla.Dsl.Runtime.Launch;

/// <summary>Sequences cut along time, so that there is work for a whole device where there are few of them.</summary>
internal static class Segments
{
    // The end of a segment is to be the end of a chunk, however long that is. In 512 tokens the work of the kernel that comes first, a
    // third of the other's, is still small beside what the device would not do in the time.
    private const long LongestChunk = 64, LeastTokens = 512;

    /// <summary>
    /// The workload with its sequences cut as often as makes them, times the heads, <paramref name="enough"/> for a device; itself where
    /// they are many, or short.
    /// </summary>
    public static Workload Of(Workload work, long enough)
    {
        var segments = Math.Min(enough / (work.Sequences * work.Heads), work.Longest / LeastTokens);
        if (segments < 2) return work;
        var tokens = Ceiling(Ceiling(work.Longest, segments), LongestChunk) * LongestChunk;
        var offsets = new List<long> { 0 };
        for (var n = 0; n < work.Sequences; n++)
        {
            var (begin, end) = (work.Offsets[n], work.Offsets[n + 1]);

            // Also a sequence without a token has a segment, whose final state is its own.
            for (var at = begin + tokens; at < end; at += tokens) offsets.Add(at);
            offsets.Add(end);
        }

        return work with { Offsets = offsets };
    }

    /// <summary>The first segment of each sequence, and how many there are.</summary>
    public static long[] First(Workload whole, Workload cut)
    {
        var first = new long[whole.Offsets.Count];
        var tokens = cut.Longest;
        for (var n = 0; n < whole.Sequences; n++)
            first[n + 1] = first[n] + Math.Max(1, Ceiling(whole.Offsets[n + 1] - whole.Offsets[n], tokens));
        return first;
    }

    private static long Ceiling(long number, long divisor) => (number + divisor - 1) / divisor;
}
