using System.Reflection;
using Fla.Dsl;
using Spectre.Console;

namespace NewVariant.Report;

/// <summary>What was generated from the declaration, and where it is to be read.</summary>
internal static class GeneratedCode
{
    public static void Write(RecurrenceOp op)
    {
        var metadata = typeof(GeneratedCode).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>();
        var root = metadata.First(entry => entry.Key == nameof(GeneratedCode)).Value!;
        AnsiConsole.MarkupLineInterpolated($"[bold]{op.Name}[/], {op.Class}");
        if (!Directory.Exists(root)) return; // it was built elsewhere
        foreach (var folder in Directory.EnumerateFiles(root, $"*.{op.Name}.*", SearchOption.AllDirectories).GroupBy(Path.GetDirectoryName))
        {
            AnsiConsole.MarkupLineInterpolated($"Generated in {folder.Key}:");
            foreach (var file in folder.Order(StringComparer.Ordinal))
                AnsiConsole.MarkupLineInterpolated($"  {File.ReadLines(file).Count(),4} lines {Path.GetFileName(file)}");
        }
    }
}
