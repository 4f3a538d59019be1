using static TorchSharp.torch;

namespace Fla.Dsl.Testing;

/// <summary>What a declaration gives for a whole sequence; fp64 on the CPU, owned by the caller.</summary>
/// <param name="Output"><c>[B, T, H, dim]</c> (<c>[B, T, H]</c> for a scalar; without heads no H).</param>
/// <param name="FinalStates">The states after the last token by name, <c>[N, H, R, C]</c> or <c>[N, H, D]</c>.</param>
public sealed record OracleResult(Tensor Output, IReadOnlyDictionary<string, Tensor> FinalStates);

/// <summary>The gradients of a declaration over a whole sequence; fp64 on the CPU, owned by the caller.</summary>
/// <param name="Result">The output and final states.</param>
/// <param name="Arguments">
/// The gradient of every argument but the scale by name, each of its argument's shape (<c>[H]</c> for a left-out one).
/// </param>
/// <param name="InitialStates">The gradient of every initial state by name, of the final state's shape, also where it was left out.</param>
public sealed record OracleGradients(
    OracleResult Result, IReadOnlyDictionary<string, Tensor> Arguments, IReadOnlyDictionary<string, Tensor> InitialStates);
