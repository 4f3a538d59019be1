using System.Globalization;

namespace Fla.Layers.Modules;

/// <summary>Values as Python prints them: module trees and configurations are compared with PyTorch's, character by character.</summary>
internal static class PythonText
{
    /// <summary>A float: the fewest digits that give it back, with an exponent of two digits or more below 1e-4 and from 1e16 on.</summary>
    public static string Of(double value)
    {
        if (double.IsNaN(value)) return "nan";
        if (double.IsInfinity(value)) return value > 0 ? "inf" : "-inf";
        var magnitude = Math.Abs(value);
        if (value != 0 && magnitude is < 1e-4 or >= 1e16) return Scientific(value);
        // "F" would round: the digits come from the shortest form, of which decimal takes all that occur in this range.
        var text = value.ToString("R", CultureInfo.InvariantCulture);
        if (text.Contains('E')) text = ((decimal)value).ToString(CultureInfo.InvariantCulture);
        return text.Contains('.') ? text : text + ".0";
    }

    /// <summary>True or False.</summary>
    public static string Of(bool value) => value ? "True" : "False";

    private static string Scientific(double value)
    {
        // The fewest digits that give the value back.
        var text = Enumerable.Range(0, 17)
            .Select(digits => value.ToString("E" + digits, CultureInfo.InvariantCulture))
            .First(text => double.Parse(text, CultureInfo.InvariantCulture) == value);
        var exponent = int.Parse(text[(text.IndexOf('E') + 1)..], CultureInfo.InvariantCulture);
        return $"{text[..text.IndexOf('E')]}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}";
    }
}
