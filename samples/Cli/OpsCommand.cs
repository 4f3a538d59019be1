using System.CommandLine;
using Fla.Dsl;
using Fla.Dsl.Testing;
using Fla.Ops;
using Spectre.Console;
using Argument = Fla.Dsl.Argument;

namespace Fla.Cli;

/// <summary><c>fla ops</c>: the catalogue.</summary>
internal static class OpsCommand
{
    public static Command Create()
    {
        var command = new Command("ops", "List the catalogue: what each op is, takes and keeps, and the modes it has.");
        command.SetAction(_ => Run());
        return command;
    }

    private static int Run()
    {
        var table = Tables.Create("op", "class", "arguments", "states", "modes");
        table.Columns[1].NoWrap = table.Columns[2].NoWrap = false;
        foreach (var op in Catalogue.All.OrderBy(op => op.Name, StringComparer.Ordinal))
        {
            table.AddRow(new Text(op.Name), new Text(op.Class), new Text(Arguments(op)), new Text(States(op)), new Text(Modes(op)));
        }

        Tables.Write(table);
        return ExitCode.Success;
    }

    private static string Arguments(RecurrenceOp op) => string.Join(", ", op.Arguments.Select(Describe));

    private static string States(RecurrenceOp op) => string.Join(", ", op.States.Select(state => state.Name + Shape(state.Dimensions)));

    private static string Modes(RecurrenceOp op) => string.Join(", ", op.Modes.Select(mode => new Execution(mode).Name));

    private static string Describe(Argument argument) => argument.Name + Shape(argument.Dimensions) + (argument.IsLogDecay ? " log decay" : "") + argument.Role switch
    {
        ArgumentRole.PerHead => argument.Default is null ? " per head" : " per head, optional",
        ArgumentRole.Scale => " optional",
        _ => "",
    };

    private static string Shape(IReadOnlyList<string> dimensions) => dimensions.Count == 0 ? "" : $"[{string.Join(", ", dimensions)}]";
}
