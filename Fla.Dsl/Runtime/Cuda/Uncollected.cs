using System.Runtime;

namespace Fla.Dsl.Runtime.Cuda;

/// <summary>
/// Times in which no garbage is collected, as far as memory goes. A kernel is compiled within a second out of hundreds of megabytes, and
/// what it is made of lives until then: collections between would be a quarter of the time, and find little. After that next to nothing
/// of it lives, and all is collected, beside what comes next.
/// </summary>
internal static class Uncollected
{
    // What the kernels of one op take that are compiled beside each other, and some more.
    private const long MostBytes = 1L << 30;

    // Of the memory there is, so much and no more.
    private const int Share = 4;

    private static readonly Lock Gate = new();
    private static int running;
    private static bool held;
    private static Thread? collector;

    /// <summary>What a function gives, while which nothing is collected. Several may run at the same time.</summary>
    public static T While<T>(Func<T> function)
    {
        Enter();
        try
        {
            return function();
        }
        finally
        {
            Leave();
        }
    }

    private static void Enter()
    {
        lock (Gate)
        {
            if (running++ > 0) return;
            collector?.Join();
            if (GCSettings.LatencyMode == GCLatencyMode.NoGCRegion) return;
            long bytes = Math.Min(MostBytes, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / Share);
            try
            {
                held = GC.TryStartNoGCRegion(bytes);
            }
            catch (Exception e) when (e is ArgumentOutOfRangeException or InvalidOperationException)
            {
                // So much cannot be had at once, or another thread has just asked for the same: then there are collections.
            }
        }
    }

    private static void Leave()
    {
        lock (Gate)
        {
            if (--running > 0 || !held) return;
            held = false;
            try
            {
                GC.EndNoGCRegion();
            }
            catch (InvalidOperationException)
            {
                return; // The memory was taken, and there was a collection.
            }

            // It takes a tenth of a second, in which the driver compiles what has been made: its code need not wait for that.
            collector = new Thread(GC.Collect) { IsBackground = true };
            collector.Start();
        }
    }
}
