using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Fla.Dsl;
using Fla.Dsl.Runtime;
using Fla.Dsl.Runtime.Cuda;
using Fla.Dsl.Runtime.Launch;
using Fla.Dsl.Testing;
using Fla.Layers.Evaluation;
using Fla.Ops;
using Spectre.Console;
using static TorchSharp.torch;

namespace Fla.Cli;

/// <summary><c>fla bench ops</c>: how fast ops are, beside what the device could do.</summary>
internal static class BenchOpsCommand
{
    public static Command Create()
    {
        var ops = new Option<string[]>("--op")
        {
            Description = "The ops, as `fla ops` lists them; all by default.",
            HelpName = "OP",
            AllowMultipleArgumentsPerToken = true,
        };
        var shapes = new Option<string[]>("--shapes")
        {
            Description = "Shapes, each B,T,H,K,V, or B,T,H,D where K = V = D.",
            HelpName = "SHAPE",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => ["2,512,4,64"],
        };
        var device = Choices.Device();
        var type = Choices.Of("--dtype", "The type of per-token arguments.", "bf16", "fp16", "fp32", "fp64");
        var mode = Choices.Of("--mode", "How to evaluate the ops.", [.. Execution.All.Where(e => e.Mode is not null).Select(e => e.Name)]);
        var json = new Option<FileInfo?>("--json") { Description = "Write the figures into this file, too.", HelpName = "FILE" };
        var command = new Command("ops", "Time the catalogue's ops: the forward pass, and forward and backward pass.")
        {
            ops, shapes, device, type, mode, json,
        };
        command.SetAction(result => Run(
            result.GetValue(ops) ?? [],
            result.GetRequiredValue(shapes),
            Execution.All.Single(execution => execution.Name == result.GetRequiredValue(mode)).Mode!.Value,
            result.GetRequiredValue(type),
            result.GetRequiredValue(device),
            result.GetValue(json)));
        return command;
    }

    private static int Run(string[] names, string[] shapeTexts, Mode mode, string type, string deviceName, FileInfo? json)
    {
        if (Choices.WhyNot(deviceName) is { } reason) return ExitCode.Misused(reason);
        OpShape[] shapes;
        RecurrenceOp[] ops;
        try
        {
            shapes = [.. shapeTexts.Select(OpShape.Parse)];
            ops = names.Length == 0 ? [.. Catalogue.All.Where(op => op.Modes.Contains(mode))] : [.. names.Select(Choices.Op)];
        }
        catch (ArgumentException e)
        {
            return ExitCode.Misused(e.Message);
        }

        var device = new Device(deviceName);
        using var warm = empty(1, device: device);  // what PyTorch takes of a device anyhow
        var cuda = deviceName == "cuda" ? CudaDevice.Number(0) : null;
        var (machine, free) = (cuda?.Machine, cuda?.FreeBytes());
        var table = Tables.Create("op", "shape", "forward", "", "", "", "forward + backward", "", "", "", "memory", "first call", "", "cached");
        var rows = new List<Dictionary<string, object?>>();
        foreach (var op in ops)
            foreach (var shape in shapes)
            {
                var first = cuda is null ? null : FirstCall.Of(op, shape.WorkOf(op, Choices.Types[type]), cuda);
                var timing = OpBenchmark.Run(op, shape, mode, Choices.Types[type], device);
                var taken = free - cuda?.FreeBytes();
                table.AddRow(
                    [op.Name, $"{shape}", .. Cells(timing.Forward, machine), .. Cells(timing.Both, machine), Memory(taken), .. Cells(first)]);
                rows.Add(Figures(timing, mode, type, machine, taken, first));
            }

        Console.WriteLine($"{machine?.Name ?? "CPU"}, {type}, {new Execution(mode)}");
        Tables.Write(table);
        if (json is not null) File.WriteAllText(json.FullName, JsonSerializer.Serialize(rows, JsonSerializerOptions.Web));
        return ExitCode.Success;
    }

    // Time, what was moved and computed in it of what had to be, and the share of the roofline.
    private static IEnumerable<string> Cells(PassTiming pass, Machine? machine) =>
    [
        Text($"{pass.Seconds * 1e3:0.000} ms"),
        Rate(pass.Bytes / pass.Seconds, "B/s"),
        Rate(pass.Flops / pass.Seconds, "FLOP/s"),
        Share(pass, machine) is { } share ? Text($"{share:0%}") : "-",
    ];

    private static IEnumerable<string> Cells(FirstCall? first) =>
        first is null
            ? ["-", "-", "-"]
            : [Text($"{first.Forward:0.00} s"), Text($"{first.Both:0.00} s"), Text($"{first.Cached * 1e3:0} ms")];

    private static string Rate(double rate, string unit) => rate >= 1e12 ? Text($"{rate / 1e12:0.00} T{unit}") : Text($"{rate / 1e9:0.0} G{unit}");

    // What PyTorch has taken so far, which gives nothing back.
    private static string Memory(long? taken) => taken is { } bytes ? Text($"{bytes / Math.Pow(2, 30):0.00} GiB") : "-";

    private static double? Share(PassTiming pass, Machine? machine) =>
        machine?.Roofline(pass.Bytes, pass.Flops) is > 0 and var least ? least / pass.Seconds : null;

    private static Dictionary<string, object?> Figures(
        OpTiming timing, Mode mode, string type, Machine? machine, long? taken, FirstCall? first) => new()
    {
        ["device"] = machine?.Name ?? "CPU",
        ["op"] = timing.Op.Name,
        ["mode"] = new Execution(mode).Name,
        ["dtype"] = type,
        ["B"] = timing.Shape.Batch,
        ["T"] = timing.Shape.Tokens,
        ["H"] = timing.Shape.Heads,
        ["K"] = timing.Shape.Keys,
        ["V"] = timing.Shape.Values,
        ["fwd_ms"] = timing.Forward.Seconds * 1e3,
        ["fwd_tbps"] = timing.Forward.Bytes / timing.Forward.Seconds / 1e12,
        ["fwd_tflops"] = timing.Forward.Flops / timing.Forward.Seconds / 1e12,
        ["fwd_roofline"] = Share(timing.Forward, machine),
        ["fwdbwd_ms"] = timing.Both.Seconds * 1e3,
        ["fwdbwd_tbps"] = timing.Both.Bytes / timing.Both.Seconds / 1e12,
        ["fwdbwd_tflops"] = timing.Both.Flops / timing.Both.Seconds / 1e12,
        ["fwdbwd_roofline"] = Share(timing.Both, machine),
        ["reserved_bytes"] = taken,
        ["first_call_fwd_s"] = first?.Forward,
        ["first_call_s"] = first?.Both,
        ["first_call_cached_s"] = first?.Cached,
    };

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
