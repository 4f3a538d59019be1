using System.CommandLine;
using Fla.Dsl;
using Fla.Dsl.Testing;
using Fla.Layers.Checkpoints;
using Fla.Layers.Evaluation;
using Fla.Ops;
using Spectre.Console;
using static TorchSharp.torch;

namespace Fla.Cli;

/// <summary><c>fla verify ops DIR</c>: every op of the catalogue against the figures of a folder, in every mode.</summary>
internal static class VerifyOpsCommand
{
    private const string AllModes = "all";

    public static Command Create()
    {
        var folder = new Argument<DirectoryInfo>("dir") { Description = "A folder of figures, one OP.safetensors each." };
        folder.AcceptExistingOnly();
        var device = Choices.Device();
        var type = Choices.Of("--dtype", "The type of per-token arguments.", [.. Choices.Types.Keys]);
        string[] modes = [AllModes, .. Execution.All.Select(execution => execution.Name)];
        var mode = Choices.Of("--mode", "How to evaluate the ops; step is token by token.", modes);
        var command = new Command("ops", "Compare output, final states and gradients of the catalogue's ops with figures.")
        {
            folder, device, type, mode,
        };
        command.SetAction(result => Run(
            result.GetRequiredValue(folder),
            result.GetRequiredValue(device),
            Choices.Types[result.GetRequiredValue(type)],
            Executions(result.GetRequiredValue(mode))));
        return command;
    }

    private static Execution[] Executions(string mode) =>
        [.. Execution.All.Where(execution => mode == AllModes || mode == execution.Name)];

    private static int Run(DirectoryInfo folder, string deviceName, ScalarType type, Execution[] executions)
    {
        var files = folder.GetFiles("*.safetensors").OrderBy(file => file.Name, StringComparer.Ordinal).ToArray();
        if (files.Length == 0) return ExitCode.Misused($"expected figures in {folder.FullName}, came no file *.safetensors");
        if (Choices.WhyNot(deviceName) is { } reason) return ExitCode.Misused(reason);

        var report = new VerificationReport(OpVerification.ToleranceOf(type));
        WithStatus(tell =>
        {
            foreach (var file in files)
            {
                tell(file.Name);
                VerifyFile(file.FullName, executions, type, new Device(deviceName), report);
            }
        });
        report.Write();
        return report.Failed == 0 ? ExitCode.Success : ExitCode.Failure;
    }

    private static void VerifyFile(string path, Execution[] executions, ScalarType type, Device device, VerificationReport report)
    {
        var name = Path.GetFileNameWithoutExtension(path);
        try
        {
            // A broken file is a failure whatever its name.
            SafetensorsFile.Open(path).Dispose();
            var opName = CatalogueNames.OpOf(name);
            if (Catalogue.All.FirstOrDefault(op => op.Name == opName) is not { } op)
            {
                report.Skip(name, "", $"no op {opName} in the catalogue");
                return;
            }

            using var figures = OpFigures.Read(path);
            var existing = executions.Where(execution => execution.ExistsFor(op)).ToArray();
            if (existing.Length == 0) report.Skip(name, string.Join(", ", executions), $"{op.Name} has no such mode");
            foreach (var execution in existing) VerifyExecution(name, op, figures, execution, type, device, report);
        }
        catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            report.Fail(name, "", e.Message);
        }
    }

    private static void VerifyExecution(
        string name, RecurrenceOp op, OpFigures figures, Execution execution, ScalarType type, Device device, VerificationReport report)
    {
        try
        {
            report.Add(name, execution.Name, OpVerification.Run(op, figures, execution, type, device));
        }
        catch (Exception e) // Whatever an op does in one mode, the others are still to be told of.
        {
            report.Fail(name, execution.Name, e.Message);
        }
    }

    // On a terminal it shows where it is; into a pipe goes only the report.
    private static void WithStatus(Action<Action<string>> work)
    {
        if (Console.IsOutputRedirected) work(_ => { });
        else AnsiConsole.Status().Start("...", context => work(text => context.Status(Markup.Escape(text))));
    }
}
