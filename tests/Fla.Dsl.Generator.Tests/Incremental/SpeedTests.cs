using System.Diagnostics;
using Fla.Dsl.Generator.Tests.Running;

namespace Fla.Dsl.Generator.Tests.Incremental;

public class SpeedTests
{
    // What a developer will wait for without noticing, for a project of this many recurrences. It takes less than half of it.
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(1);

    [Fact]
    public void The_whole_catalogue_compiles_within_a_second()
    {
        string[] sources = [.. Directory.GetFiles(RepositoryFiles.Path("Fla.Ops"), "*.cs").Select(File.ReadAllText)];
        GeneratorRun.Of(sources);   // compiles the compiler

        // Processor time of the fastest of some runs: what else the machine does counts as little as can be.
        var fastest = Enumerable.Range(0, 5).Min(_ => ProcessorTime(() => GeneratorRun.Of(sources)));
        Assert.InRange(fastest, TimeSpan.Zero, Bound);
    }

    private static TimeSpan ProcessorTime(Action action)
    {
        using var process = Process.GetCurrentProcess();
        var before = process.TotalProcessorTime;
        action();
        process.Refresh();
        return process.TotalProcessorTime - before;
    }
}
