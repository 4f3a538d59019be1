using static TorchSharp.torch;

namespace Fla.Layers.Evaluation;

/// <summary>The measure by which figures agree: the root mean square of the difference over that of what is expected.</summary>
public static class ErrorRatio
{
    // flash-linear-attention's guard: what should be zero is not measured by itself.
    private const double Floor = 1e-8;

    /// <summary>The ratio, computed in fp64 on the CPU. NaN where either tensor holds one, so that it passes no bound.</summary>
    /// <param name="actual">What came.</param>
    /// <param name="expected">What was expected, of the same shape.</param>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    public static double Of(Tensor actual, Tensor expected)
    {
        if (!actual.shape.SequenceEqual(expected.shape))
            throw new ArgumentException($"expected {Shapes.Text(expected.shape)}, came {Shapes.Text(actual.shape)}", nameof(actual));
        if (expected.NumberOfElements == 0) return 0;
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var reference = expected.cpu().to(ScalarType.Float64);
        var difference = actual.cpu().to(ScalarType.Float64) - reference;
        return Rms(difference) / (Rms(reference) + Floor);
    }

    private static double Rms(Tensor x) => x.square().mean().sqrt().item<double>();
}
