using static TorchSharp.torch;

namespace Fla.Dsl.Runtime.Launch;

/// <summary>
/// Numbers that kernels read on their device. The last ones are kept, since a copy to a GPU waits for all that runs there, and the layers
/// of a model have the same sequences.
/// </summary>
internal static class DeviceNumbers
{
    private static readonly Recent<Request, Tensor> Kept = new(32);
    private static readonly Lock Gate = new();

    /// <summary>Numbers as an int64 tensor on a device, which is only to be read.</summary>
    public static Tensor Of(long[] numbers, Device device) => Of(new Request($"{device}", numbers, () => tensor(numbers, device: device)));

    /// <summary>Numbers as an fp32 tensor on a device, which is only to be read.</summary>
    public static Tensor Of(double[] numbers, Device device) => Of(new Request(
        $"fp32 {device}",
        [.. numbers.Select(BitConverter.DoubleToInt64Bits)],
        () => tensor(numbers, ScalarType.Float32, device)));

    /// <summary>
    /// What kernels read of a plan's sequences: for each its first token and its first row among the kept states, and one pair more.
    /// </summary>
    public static Tensor OfSequences(LaunchPlan plan, Device device)
    {
        var rows = plan.Work.Rows(plan.Chunk);
        return Of([.. plan.Work.Offsets.SelectMany((offset, n) => new[] { offset, rows[n] })], device);
    }

    private static Tensor Of(Request request)
    {
        lock (Gate) return Kept.Of(request, request => request.Make().DetachFromDisposeScope()).alias();
    }

    private sealed record Request(string Place, long[] Numbers, Func<Tensor> Make)
    {
        public bool Equals(Request? other) => other is not null && Place == other.Place && Numbers.AsSpan().SequenceEqual(other.Numbers);

        public override int GetHashCode() => HashCode.Combine(Place, Numbers.Length);
    }
}
