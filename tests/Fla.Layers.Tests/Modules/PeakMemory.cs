using System.Globalization;

namespace Fla.Layers.Tests.Modules;

/// <summary>The most memory that the process held at once, which Linux counts.</summary>
internal static class PeakMemory
{
    /// <summary>How far the peak rises above what is held before an action, in bytes.</summary>
    public static long Of(Action action)
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        File.WriteAllText("/proc/self/clear_refs", "5"); // forgets the peak so far
        var before = Field("VmRSS");
        action();
        return Field("VmHWM") - before;
    }

    private static long Field(string name)
    {
        var line = File.ReadLines("/proc/self/status").Single(line => line.StartsWith(name + ":", StringComparison.Ordinal));
        return 1024 * long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }
}
