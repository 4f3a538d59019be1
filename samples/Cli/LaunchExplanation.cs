using System.Globalization;
using Fla.Dsl;
using Fla.Dsl.Runtime;
using Fla.Dsl.Runtime.Cuda;
using Fla.Dsl.Runtime.Launch;
using Fla.Layers.Evaluation;
using Spectre.Console;
using static TorchSharp.torch;

namespace Fla.Cli;

/// <summary>How an op's kernels are launched for a shape, on the GPU that is here or else on an H100.</summary>
internal static class LaunchExplanation
{
    public static int Write(RecurrenceOp op, OpShape shape, string type)
    {
        var device = cuda.is_available() ? CudaDevice.Number(0) : null;
        var machine = device?.Machine ?? Machine.H100;
        Console.WriteLine($"{op.Name} with gradients, {shape}, {type}, on {machine.Name}{(device is null ? ", which is not here" : "")}");
        if (op.Gpu is null)
        {
            Console.WriteLine("It has no kernels: TorchSharp evaluates it.");
            return ExitCode.Success;
        }

        var work = shape.WorkOf(op, Choices.Types[type]);
        var plans = LaunchPlan.Of(op, work, machine);
        if (plans.Count == 0)
        {
            Console.WriteLine("Its tiles do not fit into a block, or a dimension into a tile: TorchSharp evaluates it.");
            return ExitCode.Success;
        }

        var table = Tables.Create(
            "kernel", "grid", "block", "chunk", "tiles", "splits", "shared memory", "registers", "moved", "computed", "roofline");
        foreach (var plan in plans) table.AddRow([.. Cells(plan, op, machine, device)]);
        Tables.Write(table);
        Console.WriteLine($"A block walks the chunks of a sequence and head: {work.Sequences} x {work.Heads} of them.");
        if (plans[0].Work.Sequences is var segments && segments > work.Sequences)
            Console.WriteLine($"They are cut into {segments} segments, as so few blocks leave multiprocessors idle.");
        foreach (var plan in plans.Where(plan => plan.Splits > 1)) Console.WriteLine(WhySplit(plan, machine));
        return ExitCode.Success;
    }

    private static IEnumerable<string> Cells(LaunchPlan plan, RecurrenceOp op, Machine machine, CudaDevice? device)
    {
        var (bytes, flops) = (plan.Bytes(op), plan.Flops());
        var resources = plan.Resources(device);
        string[] tiles = [.. plan.Kernel.Dimensions.Select((name, i) => $"{name} {plan.Tiles[i]}")];
        return
        [
            plan.Kernel.Name,
            Text($"{plan.Blocks}"),
            Text($"{plan.Threads}"),
            Text($"{plan.Chunk}"),
            string.Join(", ", tiles),
            Text($"{plan.Splits}"),
            Text($"{plan.SharedBytes / 1024.0:0.0} of {machine.SharedBytesPerBlock / 1024} KiB"),
            resources is var (registers, local) ? Text($"{registers}{(local > 0 ? $", {local} bytes spilled" : "")}") : "unknown",
            Text($"{bytes / 1e6:0.0} MB"),
            Text($"{flops / 1e9:0.0} GFLOP"),
            Text($"{machine.Roofline(bytes, flops) * 1e3:0.000} ms"),
        ];
    }

    private static string WhySplit(LaunchPlan plan, Machine machine)
    {
        var whole = plan.Work.Sequences * plan.Work.Heads;
        var reason = whole < machine.Multiprocessors
            ? $"{whole} blocks would leave multiprocessors idle, of which there are {machine.Multiprocessors}"
            : "the state of a whole head does not fit into a block's registers or shared memory";
        return $"{plan.Kernel.Name}: the columns {plan.Kernel.Split} are spread over {plan.Splits} blocks, as {reason}.";
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
