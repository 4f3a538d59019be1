using System.Globalization;
using Fla.Layers.Evaluation;
using Spectre.Console;

namespace Fla.Cli;

/// <summary>The table of <c>fla verify ops</c>: a row for each figure file and mode, and their count.</summary>
/// <param name="tolerance">The error ratio up to which a row passes.</param>
internal sealed class VerificationReport(double tolerance)
{
    private readonly Table table = CreateTable();
    private int passed;
    private int skipped;

    public int Failed { get; private set; }

    public void Add(string figures, string mode, OpErrors errors)
    {
        var pass = errors.Within(tolerance);
        if (pass) passed++;
        else Failed++;
        table.AddRow(
            new Text(figures), new Text(mode), Error(errors.Output, ""), Error(errors.States, ""),
            Error(errors.WorstGradient?.Error, errors.WorstGradient?.Name), pass ? new Markup("[green]pass[/]") : Failure(""));
    }

    public void Fail(string figures, string mode, string message)
    {
        Failed++;
        table.AddRow(new Text(figures), new Text(mode), Nothing(), Nothing(), Nothing(), Failure(message));
    }

    public void Skip(string figures, string mode, string reason)
    {
        skipped++;
        var skip = new Markup($"[yellow]skip[/] {Markup.Escape(reason)}");
        table.AddRow(new Text(figures), new Text(mode), Nothing(), Nothing(), Nothing(), skip);
    }

    /// <summary>The table, and as the last line the count, plain for other programs to read.</summary>
    public void Write()
    {
        Tables.Write(table);
        Console.WriteLine($"{passed} passed, {Failed} failed, {skipped} skipped");
    }

    private static Table CreateTable()
    {
        var table = Tables.Create("figures", "mode", "output", "states", "worst gradient", "result");
        table.Columns[^1].NoWrap = false;
        return table;
    }

    private static Markup Failure(string message) => new($"[red]FAIL[/] {Markup.Escape(message)}");

    private static Text Nothing() => new("-");

    // NaN is over the tolerance, too.
    private Text Error(double? error, string? of)
    {
        if (error is not { } value) return Nothing();
        var text = value.ToString("0.0e-00", CultureInfo.InvariantCulture) + (string.IsNullOrEmpty(of) ? "" : $" {of}");
        return new Text(text, value <= tolerance ? Style.Plain : new Style(Color.Red));
    }
}
