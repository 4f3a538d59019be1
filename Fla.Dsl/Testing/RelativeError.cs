using static TorchSharp.torch;

namespace Fla.Dsl.Testing;

/// <summary>How far numbers are from what they should be.</summary>
public static class RelativeError
{
    /// <summary>The relative error <c>||actual - expected|| / ||expected||</c> in fp64.</summary>
    /// <param name="actual">The numbers, of any floating-point type and device.</param>
    /// <param name="expected">What they should be, of the same shape.</param>
    /// <param name="floor">The least root mean square of <paramref name="expected"/> to divide by; below it the error is absolute.</param>
    /// <returns>
    /// 0 when both are zero; positive infinity when <paramref name="actual"/> has a NaN or infinity, or only
    /// <paramref name="expected"/> is zero.
    /// </returns>
    /// <exception cref="ArgumentException">The shapes differ, or <paramref name="expected"/> is not finite.</exception>
    public static double Rms(Tensor actual, Tensor expected, double floor = 0)
    {
        if (!actual.shape.SequenceEqual(expected.shape))
            throw new ArgumentException(
                $"Shapes differ: [{string.Join(", ", actual.shape)}] and expected [{string.Join(", ", expected.shape)}].", nameof(actual));
        using var scope = NewDisposeScope();
        var a = actual.detach().to_type(ScalarType.Float64).cpu();
        var b = expected.detach().to_type(ScalarType.Float64).cpu();
        if (!b.isfinite().all().item<bool>())
            throw new ArgumentException("The expected numbers are not finite.", nameof(expected));
        if (!a.isfinite().all().item<bool>())
            return double.PositiveInfinity;
        var (error, size) = ((a - b).norm().item<double>(), b.norm().item<double>());
        return error == 0 ? 0 : error / Math.Max(size, floor * Math.Sqrt(b.numel()));
    }
}
