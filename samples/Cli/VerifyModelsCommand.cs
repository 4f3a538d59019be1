using System.CommandLine;
using System.Globalization;
using Fla.Layers.Evaluation;
using Spectre.Console;
using static TorchSharp.torch;

namespace Fla.Cli;

/// <summary><c>fla verify models DIR</c>: every checkpoint of a folder against its figures, in every way of running it.</summary>
internal static class VerifyModelsCommand
{
    public static Command Create()
    {
        var folder = new Argument<DirectoryInfo>("dir") { Description = "A folder of checkpoints, each with its expected.safetensors." };
        folder.AcceptExistingOnly();
        var device = Choices.Device();
        var command = new Command("models", "Compare logits, hidden states, loss and greedy continuations of checkpoints with figures.")
        {
            folder, device,
        };
        command.SetAction(result => Run(result.GetRequiredValue(folder), result.GetRequiredValue(device)));
        return command;
    }

    private static int Run(DirectoryInfo folder, string device)
    {
        if (Choices.WhyNot(device) is { } reason) return ExitCode.Misused(reason);
        var folders = folder.GetDirectories().OrderBy(checkpoint => checkpoint.Name, StringComparer.Ordinal).ToArray();
        if (folders.Length == 0) return ExitCode.Misused($"expected checkpoints in {folder.FullName}, came no folder");

        var table = Tables.Create("model", "run", "logits", "hidden", "loss", "result");
        table.Columns[^1].NoWrap = false;
        var (passed, failed, skipped) = (0, 0, 0);
        foreach (var checkpoint in folders)
        {
            if (!ModelVerification.HasFigures(checkpoint.FullName))
            {
                skipped++;
                var skip = new Markup("[yellow]skip[/] no expected.safetensors");
                table.AddRow(new Text(checkpoint.Name), Nothing, Nothing, Nothing, Nothing, skip);
                continue;
            }

            if (Verify(checkpoint, new Device(device), table)) passed++;
            else failed++;
        }

        Tables.Write(table);
        Console.WriteLine($"{passed} passed, {failed} failed, {skipped} skipped");
        return failed == 0 ? ExitCode.Success : ExitCode.Failure;
    }

    private static Text Nothing => new("-");

    private static bool Verify(DirectoryInfo checkpoint, Device device, Table table)
    {
        try
        {
            var checks = ModelVerification.Run(checkpoint.FullName, device);
            foreach (var check in checks)
            {
                table.AddRow(
                    new Text(checkpoint.Name), new Text(check.Name), Error(check.Logits), Error(check.Hidden), Error(check.Loss),
                    check.Within(ModelVerification.Tolerance) ? new Markup("[green]pass[/]") : Failure(check.Mismatch ?? ""));
            }

            return checks.All(check => check.Within(ModelVerification.Tolerance));
        }
        catch (Exception e) // Whatever is wrong with one checkpoint, the others are still to be told of.
        {
            table.AddRow(new Text(checkpoint.Name), Nothing, Nothing, Nothing, Nothing, Failure(e.Message));
            return false;
        }
    }

    private static Markup Failure(string message) => new($"[red]FAIL[/] {Markup.Escape(message)}");

    // NaN is over the tolerance, too.
    private static Text Error(double? error) => error is not { } value
        ? Nothing
        : new Text(
            value.ToString("0.0e-00", CultureInfo.InvariantCulture),
            value <= ModelVerification.Tolerance ? Style.Plain : new Style(Color.Red));
}
