using static TorchSharp.torch;

namespace Fla.Ops.Tests.Runtime;

/// <summary>Comparisons that fail on NaN, on another shape, and with the largest difference in the message.</summary>
internal static class Close
{
    /// <summary>Within <paramref name="tolerance"/> of the larger of 1 and the largest expected value.</summary>
    public static void Assert(Tensor expected, Tensor actual, double tolerance, string what)
    {
        Xunit.Assert.Equal(expected.shape, actual.shape);
        if (expected.numel() == 0)
            return;

        using var difference = (expected.to(ScalarType.Float64) - actual.to(ScalarType.Float64)).abs().max();
        using var largest = expected.to(ScalarType.Float64).abs().max();
        var (error, bound) = (difference.item<double>(), tolerance * Math.Max(1, largest.item<double>()));
        Xunit.Assert.True(error <= bound, $"{what}: off by {error:g3}, allowed {bound:g3}");
    }

    public static void AssertZero(Tensor actual) => Xunit.Assert.Equal(0, actual.abs().max().item<float>());
}
