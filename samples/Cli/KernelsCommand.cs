using System.CommandLine;
using Fla.Ops;

namespace Fla.Cli;

/// <summary><c>fla kernels OP</c>: what the compiler wrote for an op.</summary>
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
        var command = new Command("kernels", "Show the source that was generated for an op.") { op, output };
        command.SetAction(result => Run(result.GetRequiredValue(op), result.GetValue(output)));
        return command;
    }

    private static int Run(string name, DirectoryInfo? output)
    {
        if (Catalogue.All.FirstOrDefault(op => op.Name.Equals(name, StringComparison.OrdinalIgnoreCase)) is not { } op)
            return ExitCode.Misused($"expected one of {string.Join(", ", Catalogue.All.Select(op => op.Name))}, came '{name}'");

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
