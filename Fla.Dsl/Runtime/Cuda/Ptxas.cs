using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Fla.Dsl.Runtime.Cuda;

/// <summary>NVIDIA's own assembler, where this machine has it: it tells what becomes of a kernel's registers.</summary>
internal static partial class Ptxas
{
    /// <summary>The name of the environment variable that names the program.</summary>
    public const string Variable = "FLA_PTXAS";

    /// <summary>The program, from <c>$FLA_PTXAS</c> or the path; null if there is none.</summary>
    public static string? Program { get; } = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named ? named : OnPath();

    /// <summary>Assembles a text for an H100.</summary>
    /// <returns>The bytes of stack a thread takes, those of spilled registers, and its registers.</returns>
    /// <exception cref="KernelCompilationException">It refuses the text.</exception>
    public static (int Stack, int Spills, int Registers) Assemble(string ptx)
    {
        var folder = Directory.CreateTempSubdirectory("fla-ptxas-");
        try
        {
            string source = Path.Combine(folder.FullName, "kernel.ptx");
            File.WriteAllText(source, ptx);
            string[] arguments = ["-v", "-arch=sm_90", source, "-o", Path.Combine(folder.FullName, "kernel.cubin")];
            using var process = Process.Start(new ProcessStartInfo(Program!, arguments) { RedirectStandardError = true })!;
            string report = process.StandardError.ReadToEnd();
            process.WaitForExit();
            if (process.ExitCode != 0) throw new KernelCompilationException($"{Program} refuses a kernel: {report}");
            var frame = Frame().Match(report);
            return (Number(frame.Groups[1]), Number(frame.Groups[2]) + Number(frame.Groups[3]), Number(Used().Match(report).Groups[1]));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static int Number(Capture capture) => int.Parse(capture.ValueSpan, CultureInfo.InvariantCulture);

    private static string? OnPath() => (Environment.GetEnvironmentVariable("PATH") ?? "")
        .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
        .Select(folder => Path.Combine(folder, OperatingSystem.IsWindows() ? "ptxas.exe" : "ptxas"))
        .FirstOrDefault(File.Exists);

    [GeneratedRegex(@"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")]
    private static partial Regex Frame();

    [GeneratedRegex(@"Used (\d+) registers")]
    private static partial Regex Used();
}
