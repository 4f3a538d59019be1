using Spectre.Console;

namespace Fla.Cli;

/// <summary>Tables that look the same everywhere.</summary>
internal static class Tables
{
    // What is piped is not wrapped at a terminal's 80 columns.
    private const int PipedWidth = 240;

    public static Table Create(params string[] columns) =>
        new Table().Border(TableBorder.Simple).AddColumns([.. columns.Select(name => new TableColumn(name).NoWrap())]);

    public static void Write(Table table)
    {
        if (Console.IsOutputRedirected) AnsiConsole.Profile.Width = PipedWidth;
        AnsiConsole.Write(table);
    }
}
