using static TorchSharp.torch;

namespace Fla.Layers.Tests.Modules;

/// <summary>How far two tensors are apart.</summary>
internal static class Difference
{
    /// <summary>The largest difference of two elements, computed in fp64.</summary>
    public static double From(this Tensor actual, Tensor expected)
    {
        using var scope = NewDisposeScope();
        Assert.Equal(expected.shape, actual.shape);
        return (actual.to(ScalarType.Float64) - expected.to(ScalarType.Float64)).abs().max().item<double>();
    }
}
