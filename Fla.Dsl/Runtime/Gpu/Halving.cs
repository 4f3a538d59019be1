namespace Fla.Dsl.Runtime.Gpu;

/// <summary>
/// How pairs among 16 tokens that follow one another are gone through when no decay may be undone: first those of the later half and the
/// earlier, then in each half the same, in parts of 16, 8, 4 and 2 tokens, and at last of each token and itself. From the earlier token of
/// a pair to its part's middle and from there to the later one there are decays alone.
/// </summary>
internal static class Halving
{
    /// <summary>The tokens of the first part: all.</summary>
    public const int Largest = 16;

    /// <summary>The tokens of the last parts: no pair is of a token and itself where those do not count.</summary>
    public static int Last(ReadPoint point) => point == ReadPoint.AfterWrite ? 1 : 2;

    /// <summary>Parts but the largest come by sides, which are the two halves of all: the side after one.</summary>
    public static int NextSide(int part, int side) => Numbers.Where(part < Largest, 1 - side);

    /// <summary>The tokens of the part after one, given its side.</summary>
    public static int Next(int part, int nextSide) => Numbers.Select(nextSide == 0, part / 2, part);

    /// <summary>Where the eight tokens begin of which some are the later ones of pairs.</summary>
    public static int Later(int part, int side) => 8 * Numbers.Select(part == Largest, 1, side);

    /// <summary>Where the eight tokens begin of which some are the earlier ones of pairs.</summary>
    public static int Earlier(int part, int side) => 8 * Numbers.Select(part == Largest, 0, side);

    /// <summary>The token before the middle of a token's part of so many; a part of one has it itself.</summary>
    public static int Middle(int token, int part) => (token & -part) + ((part - 1) / 2);

    /// <summary>Whether a pair counts: of all that do, or of those of parts of so many.</summary>
    public static bool Counts(int later, int earlier, bool whole, int part, ReadPoint point) =>
        whole & Decays.Counts(later, earlier, point) | !whole & IsOfParts(later, earlier, part);

    private static bool IsOfParts(int later, int earlier, int part)
    {
        // The highest bit in which they differ is that of half a part.
        var apart = (later ^ earlier) - (part / 2);
        return later >= earlier & apart >= 0 & apart < part - (part / 2);
    }
}
