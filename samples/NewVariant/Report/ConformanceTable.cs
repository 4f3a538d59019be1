using Fla.Dsl;
using Fla.Dsl.Testing;
using Spectre.Console;

namespace NewVariant.Report;

/// <summary>An operator in every mode against its declaration, run token by token in fp64: outputs, states and all gradients.</summary>
internal static class ConformanceTable
{
    // In fp64 nothing but rounding may differ.
    private const double Tolerance = 1e-10;

    private static readonly ConformanceCase[] Cases =
    [
        new() { Batch = 2, Tokens = 75, Heads = 2, Sizes = new Dictionary<string, int> { ["K"] = 16, ["V"] = 8 } },
        new() { SequenceLengths = [1, 70, 0, 20], Heads = 2, StrongestLogDecay = -30 },
    ];

    /// <summary>Writes the table.</summary>
    /// <returns>Whether every mode agrees.</returns>
    public static bool Write(RecurrenceOp op)
    {
        var table = new Table().Border(TableBorder.Simple)
            .Title("Worst relative error against the declaration, fp64")
            .AddColumns("mode", "batch", "packed, strong decay", "agrees");
        var results = Cases.Select(test => Conformance.Check(op, test)).ToArray();
        var agrees = true;
        foreach (var execution in Execution.Of(op))
        {
            ConformanceResult?[] row = [.. results.Select(result => result.FirstOrDefault(one => one.Execution == execution))];
            var ok = row.All(result => result is null || result.Worst.Value <= Tolerance);
            table.AddRow([execution.Name, .. row.Select(Worst), ok ? "[green]yes[/]" : "[red]no[/]"]);
            agrees &= ok;
        }

        AnsiConsole.Write(table);
        return agrees;
    }

    private static string Worst(ConformanceResult? result) => result is null ? "" : $"{result.Worst.Value:E1} of {result.Worst.Key}";
}
