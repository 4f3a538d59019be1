using System.Globalization;

namespace Fla.Dsl.Generator.Emit.Gpu;

/// <summary>An element of a value as C#, with the lines and tiles in shared memory that it reads.</summary>
internal sealed record GpuTerm(string Text, IReadOnlyCollection<string> Reads);

internal static class GpuText
{
    public static string Flag(bool value) => value ? "true" : "false";

    public static string Number(double value) =>
        double.IsNaN(value) ? "float.NaN" : double.IsInfinity(value) ? value > 0 ? "float.PositiveInfinity" : "float.NegativeInfinity"
        : $"{((float)value).ToString("R", CultureInfo.InvariantCulture)}f";
}
