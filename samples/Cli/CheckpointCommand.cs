using System.CommandLine;
using Fla.Layers.Models;
using static TorchSharp.torch;

namespace Fla.Cli;

/// <summary>A command that works on one checkpoint.</summary>
internal static class CheckpointCommand
{
    public static Argument<DirectoryInfo> Folder()
    {
        var folder = new Argument<DirectoryInfo>("dir") { Description = "A checkpoint in Hugging Face's layout." };
        return folder.AcceptExistingOnly();
    }

    /// <summary>Loads the checkpoint and works with it. What is wrong with it is told in a line.</summary>
    public static int Run(DirectoryInfo folder, string device, string? dtype, Func<CausalLM, int> work)
    {
        if (Choices.WhyNot(device) is { } reason) return ExitCode.Misused(reason);
        try
        {
            using var model = AutoModelForCausalLM.FromPretrained(
                folder.FullName, dtype is null ? null : Choices.Types[dtype], new Device(device));
            return work(model);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            Console.Error.WriteLine(e.Message);
            return ExitCode.Failure;
        }
    }
}
