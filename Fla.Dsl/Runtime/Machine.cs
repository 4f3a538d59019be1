namespace Fla.Dsl.Runtime;

/// <summary>What a device has to offer to kernels.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Multiprocessors">How many blocks run at once, at least.</param>
/// <param name="SharedBytesPerBlock">The most shared memory that a block may have, in bytes.</param>
/// <param name="BytesPerSecond">What its memory could deliver; 0 where that is not known.</param>
/// <param name="FlopsPerSecond">What its tensor cores could do on bf16; 0 where that is not known.</param>
public sealed record Machine(string Name, int Multiprocessors, int SharedBytesPerBlock, double BytesPerSecond, double FlopsPerSecond)
{
    /// <summary>An H100 with 80 GB of HBM3 (SXM), by NVIDIA's data sheet.</summary>
    public static Machine H100 { get; } = new("H100", 132, 227 * 1024, 3.35e12, 989e12);

    /// <summary>The least time for so many bytes and operations, in seconds; 0 where that is not known.</summary>
    public double Roofline(double bytes, double flops) =>
        BytesPerSecond > 0 && FlopsPerSecond > 0 ? Math.Max(bytes / BytesPerSecond, flops / FlopsPerSecond) : 0;
}
