using System.CommandLine;
using Fla.Layers.Evaluation;
using Fla.Ops;
using Spectre.Console;

namespace Fla.Cli;

/// <summary><c>fla ops</c>: the catalogue.</summary>
internal static class OpsCommand
{
    public static Command Create()
    {
        var markdown = new Option<bool>("--markdown")
        {
            Description = "Print the page docs/catalogue.md instead: every op, mode, backend and direction.",
        };
        var command = new Command("ops", "List the catalogue: what each op is, takes and keeps, and the modes it has.") { markdown };
        command.SetAction(result => result.GetValue(markdown) ? WritePage() : WriteTable());
        return command;
    }

    private static int WritePage()
    {
        Console.Write(CataloguePage.Of(Catalogue.All));
        return ExitCode.Success;
    }

    private static int WriteTable()
    {
        var table = Tables.Create("op", "class", "arguments", "states", "modes");
        table.Columns[1].NoWrap = table.Columns[2].NoWrap = false;
        foreach (var op in Catalogue.All.OrderBy(op => op.Name, StringComparer.Ordinal))
        {
            string[] cells = [op.Name, op.Class, SignatureText.Arguments(op), SignatureText.States(op), SignatureText.Modes(op)];
            table.AddRow([.. cells.Select(cell => new Text(cell))]);
        }

        Tables.Write(table);
        return ExitCode.Success;
    }
}
