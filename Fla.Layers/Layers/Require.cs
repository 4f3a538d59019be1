namespace Fla.Layers;

/// <summary>Checks of constructor arguments.</summary>
internal static class Require
{
    /// <summary>A size scaled by a factor, which must come out whole and positive.</summary>
    public static long Expanded(long size, double factor, string name)
    {
        var expanded = size * factor;
        // Factors such as 1.1 are not what they are written as: 80 of it are 88 and a little, of which FLA takes the whole part.
        return expanded >= 1 && Math.Abs(expanded - Math.Round(expanded)) <= 1e-9 * expanded
            ? (long)expanded
            : throw new ArgumentException($"{name}: expected a factor that makes {size} a whole, positive size, came {factor}.", name);
    }

    /// <summary>A size split into equal parts.</summary>
    public static long Split(long size, long parts, string name) =>
        parts >= 1 && size >= 1 && size % parts == 0
            ? size / parts
            : throw new ArgumentException($"{name}: expected a number that divides {size}, came {parts}.", name);

    /// <summary>One of the values there are.</summary>
    public static string OneOf(string value, string name, params string[] known) =>
        known.Contains(value) ? value : throw new ArgumentException($"{name}: expected {string.Join(", ", known)}, came {value}.", name);
}
