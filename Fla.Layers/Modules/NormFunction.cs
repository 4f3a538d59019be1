using static TorchSharp.torch;

namespace Fla.Layers.Modules;

/// <summary>
/// <c>norm(x + residual) * weight + bias</c> with a gate: what all modules with a norm compute, in fp32 (fp64 for fp64) and rounded once.
/// </summary>
internal sealed record NormFunction(Normalisation Normalisation, NormGate Gate = NormGate.None)
{
    /// <summary>Without a residual.</summary>
    /// <param name="x"><c>[.., D]</c>.</param>
    /// <param name="gate">Shaped as x; null where there is none.</param>
    /// <param name="weight"><c>[D]</c> or null.</param>
    /// <param name="bias"><c>[D]</c> or null.</param>
    /// <returns>The same shape and type as x.</returns>
    public Tensor Apply(Tensor x, Tensor? gate, Tensor? weight, Tensor? bias)
    {
        if (Kernels.FusedNorm.DeviceOf(this, x, null, gate, weight, bias) is { } device)
            return Kernels.FusedNorm.Apply(device, this, x, gate, weight, bias);

        using var scope = NewDisposeScope();
        return scope.MoveToOuter(Formula(Precision.Widen(x), gate, weight, bias).to(x.dtype));
    }

    /// <summary>With a residual.</summary>
    /// <param name="x"><c>[.., D]</c>.</param>
    /// <param name="residual">The sum so far, shaped as x; x begins one where it is null.</param>
    /// <param name="residualInFp32">Whether the sum is given back in fp32; else it has the residual's type.</param>
    /// <param name="gate">Shaped as x; null where there is none.</param>
    /// <param name="weight"><c>[D]</c> or null.</param>
    /// <param name="bias"><c>[D]</c> or null.</param>
    /// <returns>The output, shaped and typed as x, and the sum.</returns>
    public (Tensor Output, Tensor Sum) Apply(
        Tensor x, Tensor? residual, bool residualInFp32, Tensor? gate, Tensor? weight, Tensor? bias)
    {
        var kept = residualInFp32 ? Precision.Wide(x.dtype) : (residual ?? x).dtype;
        if (residual is null && kept == x.dtype)
            return (Apply(x, gate, weight, bias), x.alias());
        if (Kernels.FusedNorm.DeviceOf(this, x, residual, gate, weight, bias) is { } device)
            return Kernels.FusedNorm.Apply(device, this, x, residual, kept, gate, weight, bias);

        using var scope = NewDisposeScope();
        var sum = residual is null ? Precision.Widen(x) : Precision.Widen(x).Plus(Precision.Widen(residual));
        return scope.MoveToOuter(Formula(sum, gate, weight, bias).to(x.dtype), sum.to(kept).alias());
    }

    private Tensor Formula(Tensor wide, Tensor? gate, Tensor? weight, Tensor? bias)
    {
        var bent = gate is null ? null
            : Gate == NormGate.Sigmoid ? Precision.Widen(gate).sigmoid() : nn.functional.silu(Precision.Widen(gate));
        var y = Normalisation.Of(Gate == NormGate.SwishFirst ? wide * bent! : wide);
        if (weight is not null)
            y = y * Precision.Widen(weight);
        if (bias is not null)
            y = y.Plus(Precision.Widen(bias));
        return bent is null || Gate == NormGate.SwishFirst ? y : y * bent;
    }
}

/// <summary>How a gate g acts on what is normalised.</summary>
internal enum NormGate
{
    /// <summary>There is none.</summary>
    None,

    /// <summary>The result is multiplied by <c>g sigmoid(g)</c>.</summary>
    Swish,

    /// <summary>The result is multiplied by <c>sigmoid(g)</c>.</summary>
    Sigmoid,

    /// <summary>What is normalised is first multiplied by <c>g sigmoid(g)</c>.</summary>
    SwishFirst,
}
