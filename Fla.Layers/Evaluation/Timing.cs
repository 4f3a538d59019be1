using System.Diagnostics;
using Fla.Dsl.Runtime.Cuda;
using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Layers.Evaluation;

/// <summary>How long something takes on a device.</summary>
public static class Timing
{
    private const int Least = 5, Most = 200;
    private const double WarmUpSeconds = 0.025, Seconds = 0.1;

    // .NET compiles methods anew that have been called 30 times, when it has not met others for a tenth of a second. Until then the host
    // can be slower than a device.
    private const int Calls = 30;
    private const double LongestCall = 0.01;
    private static readonly TimeSpan Recompiled = TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// The median time of some work, in seconds: by events of the driver on a CUDA device, with the second-level cache emptied before each
    /// time, and by a clock that only rises elsewhere. It is done for 25 ms to warm up, what is short often enough for .NET to compile it
    /// for good, and then for 100 ms, at least 5 times.
    /// </summary>
    /// <param name="device">Where the work is done.</param>
    /// <param name="work">The work; what it leaves behind in the way of tensors is disposed of.</param>
    public static double Median(Device device, Action work)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(work);
        using Clock clock = device.type == DeviceType.CUDA ? new CudaClock(device) : new HostClock();
        void InScope()
        {
            using var scope = NewDisposeScope();
            work();
        }

        var first = clock.Times(InScope, 1)[0];     // compiles what is to be compiled
        var once = clock.Times(InScope, first < WarmUpSeconds ? Least : 1).Min();
        clock.Times(InScope, Count(WarmUpSeconds / once, once < LongestCall ? Calls : 0));
        if (once < LongestCall)
        {
            Thread.Sleep(Recompiled);
            clock.Times(InScope, Count(WarmUpSeconds / once, Least));
        }

        var times = clock.Times(InScope, Count(Seconds / once, Least));
        Array.Sort(times);
        return (times[times.Length / 2] + times[(times.Length - 1) / 2]) / 2;
    }

    private static int Count(double number, int least) => (int)Math.Clamp(number, least, Most);

    private abstract class Clock : IDisposable
    {
        public abstract double[] Times(Action work, int count);

        public abstract void Dispose();
    }

    private sealed class HostClock : Clock
    {
        public override double[] Times(Action work, int count)
        {
            var times = new double[count];
            for (var i = 0; i < count; i++)
            {
                var start = Stopwatch.GetTimestamp();
                work();
                times[i] = Stopwatch.GetElapsedTime(start).TotalSeconds;
            }

            return times;
        }

        public override void Dispose()
        {
        }
    }

    private sealed class CudaClock : Clock
    {
        private readonly CudaDevice device;
        private readonly Tensor cache;
        private readonly CudaEvent[] events;

        public CudaClock(Device device)
        {
            this.device = CudaDevice.Number(Math.Max(device.index, 0));

            // What is written is twice what the cache holds: of what was there before, nothing stays.
            cache = empty(2 * this.device.CacheBytes, ScalarType.Byte, device);
            events = [.. Enumerable.Range(0, 2 * Most).Select(_ => new CudaEvent(this.device))];
        }

        // The host runs ahead of the device: what it does between two launches is not in the times unless the device waits for it.
        public override double[] Times(Action work, int count)
        {
            for (var i = 0; i < count; i++)
            {
                cache.zero_();
                events[2 * i].Record();
                work();
                events[(2 * i) + 1].Record();
            }

            return [.. Enumerable.Range(0, count).Select(i => events[(2 * i) + 1].SecondsSince(events[2 * i]))];
        }

        public override void Dispose()
        {
            cache.Dispose();
            foreach (var one in events) one.Dispose();
        }
    }
}
