using System.Collections.Concurrent;

namespace Fla.Dsl.Runtime;

/// <summary>
/// Numbers that live for ever. TorchSharp hands a <see cref="TorchSharp.Scalar"/> to native code by its handle and does not keep it alive while
/// that runs: a garbage collection set off by another thread frees it, and the operation fails or reads another number. This holds
/// for every <c>a + b</c>, whose hidden factor is such a Scalar, made anew each time. What runs here names one of these instead.
/// </summary>
public static class Scalars
{
    private static readonly ConcurrentDictionary<double, TorchSharp.Scalar> Numbers = new();

    /// <summary>0</summary>
    public static readonly TorchSharp.Scalar Zero = 0;

    /// <summary>1</summary>
    public static readonly TorchSharp.Scalar One = 1;

    internal static readonly TorchSharp.Scalar NaN = double.NaN;

    internal static readonly TorchSharp.Scalar NegativeInfinity = double.NegativeInfinity;

    /// <summary>A number that a program names: there are few, and each is kept.</summary>
    public static TorchSharp.Scalar Of(double number) => Numbers.GetOrAdd(number, number => number);
}
