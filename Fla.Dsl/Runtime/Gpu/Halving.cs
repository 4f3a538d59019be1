namespace Fla.Dsl.Runtime.Gpu;

/// <summary>
/// How pairs among 16 tokens that follow one another are gone through when no decay may be undone: first those of the later half and the
/// earlier, then in each half the same, in parts of 16, 8, 4 and 2 tokens, and at last of each token and itself. From the earlier token of
/// a pair to its part's middle and from there to the later one there are decays alone.
/// </summary>
internal static class Halving
{
    /// <summary>What there is at first: tokens of one part.</summary>
    public const int Tokens = 16;

    /// <summary>How many tokens the last parts have: no pair is of a token and itself where those do not count.</summary>
    public static int Last(ReadPoint point) => point == ReadPoint.AfterWrite ? 1 : 2;

    /// <summary>The token before the middle of a token's part of so many; a part of one has it itself.</summary>
    public static int Middle(int token, int part) => (token & -part) + ((part - 1) / 2);

    /// <summary>Whether a pair is one of parts of so many.</summary>
    public static bool Counts(int later, int earlier, int part)
    {
        // The highest bit in which they differ is that of half a part.
        var apart = (later ^ earlier) - (part / 2);
        return later >= earlier & apart >= 0 & apart < part - (part / 2);
    }
}
