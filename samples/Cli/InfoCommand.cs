using System.CommandLine;
using System.Globalization;
using Fla.Layers;
using Fla.Layers.Models;
using static TorchSharp.torch;

namespace Fla.Cli;

/// <summary><c>fla info DIR</c>: what a checkpoint is.</summary>
internal static class InfoCommand
{
    public static Command Create()
    {
        var folder = CheckpointCommand.Folder();
        var command = new Command("info", "Show a checkpoint's configuration, modules, parameters and state.") { folder };
        command.SetAction(result => CheckpointCommand.Run(result.GetRequiredValue(folder), "cpu", null, Show));
        return command;
    }

    private static int Show(CausalLM model)
    {
        Console.WriteLine(model.Config);
        Console.WriteLine(model);
        Console.WriteLine($"Number of parameters: {model.ParameterCount.ToString("N0", CultureInfo.InvariantCulture)} ({model.Dtype})");
        var (first, second) = StateBytes(model);
        // What attention keeps grows with each token; what a recurrence keeps does not.
        Console.WriteLine($"State bytes per sequence: {first - (second - first):N0}");
        Console.WriteLine($"State bytes per token: {second - first:N0}");
        return ExitCode.Success;
    }

    // Measured, after one token and after two.
    private static (long First, long Second) StateBytes(CausalLM model)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using var cache = new Cache();
        var token = zeros(1, 1, dtype: ScalarType.Int64);
        model.forward(token, null, cache);
        var first = cache.Bytes;
        model.forward(token, null, cache);
        return (first, cache.Bytes);
    }
}
