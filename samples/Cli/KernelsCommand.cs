using System.CommandLine;
using Fla.Dsl;
using Fla.Layers.Evaluation;

namespace Fla.Cli;

/// <summary><c>fla kernels OP</c>: what the compiler wrote for an op, or how its kernels are launched for a shape.</summary>
internal static class KernelsCommand
{
    public static Command Create()
    {
        var op = new Argument<string>("op") { Description = "The op's name, as `fla ops` lists it." };
        var output = new Option<DirectoryInfo?>("--out")
        {
            Description = "Write the files into this folder instead of standard output.",
            HelpName = "DIR",
        };
        var explain = new Option<bool>("--explain") { Description = "Show how the kernels are launched on a GPU instead, and why so." };
        var shape = new Option<string>("--shape")
        {
            Description = "The shape to explain: B,T,H,K,V, or B,T,H,D where K = V = D.",
            HelpName = "SHAPE",
            DefaultValueFactory = _ => "8,2048,32,128",
        };
        var type = Choices.Of("--dtype", "The type of per-token arguments to explain for.", "bf16", "fp16", "fp32");
        var command = new Command("kernels", "Show the source that was generated for an op, or explain its launch.")
        {
            op, output, explain, shape, type,
        };
        command.SetAction(result =>
        {
            try
            {
                var named = Choices.Op(result.GetRequiredValue(op));
                return result.GetValue(explain)
                    ? LaunchExplanation.Write(named, OpShape.Parse(result.GetRequiredValue(shape)), result.GetRequiredValue(type))
                    : Write(named, result.GetValue(output));
            }
            catch (ArgumentException e)
            {
                return ExitCode.Misused(e.Message);
            }
        });
        return command;
    }

    private static int Write(RecurrenceOp op, DirectoryInfo? output)
    {
        foreach (var (file, text) in op.GeneratedSources.OrderBy(source => source.Key, StringComparer.Ordinal))
        {
            if (output is null) Print(file, text);
            else Write(output, file, text);
        }

        return ExitCode.Success;
    }

    private static void Print(string file, string text)
    {
        Console.WriteLine($"// ---- {file}");
        Console.WriteLine(text.TrimEnd());
        Console.WriteLine();
    }

    private static void Write(DirectoryInfo folder, string file, string text)
    {
        var path = Path.Combine(folder.FullName, file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        Console.WriteLine(path);
    }
}
