using Fla.Dsl.Runtime;
using Fla.Layers.Tests.Modules;
using static TorchSharp.torch;

namespace Fla.Layers.Tests.Kernels;

/// <summary>A function computed by a kernel in the emulator, beside its formula in fp64.</summary>
internal static class Emulated
{
    // Sums in fp32 of some hundred terms; half precision then rounds to 8 or 11 bits.
    private const double Sums = 5e-6;

    private static double Rounding(ScalarType type) => type switch
    {
        ScalarType.BFloat16 => Math.Pow(2, -8),
        ScalarType.Float16 => Math.Pow(2, -11),
        _ => 0,
    };

    /// <summary>
    /// That outputs and all gradients are those of the formula, as far as the types allow, from memory that holds NaN before it is
    /// written.
    /// </summary>
    /// <param name="kernel">From the inputs to the outputs, in the emulator.</param>
    /// <param name="formula">The same in fp64.</param>
    /// <param name="roundings">How often the way to a result rounds to its type: once more where what is kept was rounded.</param>
    /// <param name="inputs">What gradients are asked of; null for one that is not there.</param>
    public static void Equals(Func<Tensor?[], Tensor[]> kernel, Func<Tensor?[], Tensor[]> formula, int roundings, params Tensor?[] inputs)
    {
        using var scope = NewDisposeScope();
        Tensor?[] own = [.. inputs.Select(input => input?.detach().requires_grad_())];
        Tensor?[] wide = [.. inputs.Select(input => input?.detach().to(ScalarType.Float64).requires_grad_())];
        Tensor[] outputs, expected = formula(wide);
        Unwritten.HoldsNaN = true;
        try
        {
            outputs = kernel(own);
            Tensor[] upstream = [.. outputs.Select(output => randn_like(output))];
            total(outputs, upstream).backward();
            total(expected, [.. upstream.Select(gradient => gradient.to(ScalarType.Float64))]).backward();
        }
        finally
        {
            Unwritten.HoldsNaN = false;
        }

        Assert.Equal(expected.Length, outputs.Length);
        for (var i = 0; i < outputs.Length; i++)
            Close(outputs[i], expected[i], roundings, $"output {i}");
        for (var i = 0; i < inputs.Length; i++)
            if (own[i] is { } input)
                Close(input.grad!, wide[i]!.grad!, roundings, $"gradient {i}");

        static Tensor total(Tensor[] values, Tensor[] upstream) =>
            values.Zip(upstream, (value, gradient) => (value * gradient).sum().to(ScalarType.Float64)).Aggregate((a, b) => a + b);
    }

    private static void Close(Tensor actual, Tensor expected, int roundings, string what)
    {
        var bound = (Sums + (roundings * Rounding(actual.dtype))) * Math.Max(1, expected.abs().max().item<double>());
        var difference = actual.From(expected);
        Assert.True(difference <= bound, $"{what}: {difference} apart, expected at most {bound}"); // also where it is not a number
    }
}
