using Fla.Dsl.Numerics;
using static TorchSharp.torch;

namespace Fla.Dsl.Testing;

/// <summary>
/// The declaration as the reference: its <c>Step</c> called token by token in fp64, and its exact gradients by a walk back over the
/// tokens. It knows of nothing the compiler made, so it can judge all of it.
/// </summary>
/// <remarks>
/// Arguments go by name. Per token: <c>[B, T, H, dim]</c>, a scalar <c>[B, T, H]</c>, a matrix <c>[B, T, H, R, C]</c>;
/// <see cref="PerHeadAttribute"/>: <c>[H, dim]</c>, <c>[H]</c>, <c>[H, R, C]</c>; states <c>[N, H, R, C]</c> or <c>[N, H, D]</c> for N
/// sequences. Without heads the H axis is absent. An argument may have fewer heads than the largest count H: head h reads its head
/// <c>h // (H / Ha)</c>, and the gradients sum. Tensors may be of any floating-point type on any device.
/// </remarks>
public static class Oracle
{
    /// <summary>Runs a declaration over whole sequences.</summary>
    /// <param name="declaration">The class whose static method <c>Step</c> (of any visibility) declares one token.</param>
    /// <param name="arguments">The arguments by name; per-head ones with a default may be left out.</param>
    /// <param name="initialState">The states before the first token by name; empty where left out.</param>
    /// <param name="scale">The scale; by default one over the square root of the first argument's dimension.</param>
    /// <param name="cuSeqlens">For sequences packed in a batch of 1: int64 <c>[N + 1]</c>, their boundaries from 0 to T.</param>
    /// <param name="l2Norm">Whether arguments with <see cref="L2NormOptionAttribute"/> are divided by their lengths first.</param>
    /// <returns>The output and the final states.</returns>
    /// <exception cref="ArgumentException">The type is no declaration, or a tensor is missing, unknown or of a wrong shape.</exception>
    public static OracleResult Run(
        Type declaration,
        IReadOnlyDictionary<string, Tensor> arguments,
        IReadOnlyDictionary<string, Tensor>? initialState = null,
        double? scale = null,
        Tensor? cuSeqlens = null,
        bool l2Norm = false)
    {
        var call = new Call(declaration, arguments, initialState, scale, cuSeqlens, l2Norm);
        var (output, finals) = NewResult(call);
        foreach (var walk in Walks(call))
            walk.Forward(output, finals);
        return Result(call, output, finals);
    }

    /// <summary>Runs a declaration over sequences and differentiates <c>sum(o * gradOutput) + sum(final * gradFinalState)</c>.</summary>
    /// <param name="declaration">The class whose static method <c>Step</c> (of any visibility) declares one token.</param>
    /// <param name="arguments">The arguments by name; per-head ones with a default may be left out.</param>
    /// <param name="gradOutput">The gradient of the output, of its shape.</param>
    /// <param name="gradFinalState">The gradients of the final states by name; zeros where left out.</param>
    /// <param name="initialState">The states before the first token by name; zeros where left out.</param>
    /// <param name="scale">The scale; by default one over the square root of the first argument's dimension.</param>
    /// <param name="cuSeqlens">For sequences packed in a batch of 1: int64 <c>[N + 1]</c>, their boundaries from 0 to T.</param>
    /// <param name="l2Norm">Whether arguments with <see cref="L2NormOptionAttribute"/> are divided by their lengths first.</param>
    /// <returns>The result, and the gradients of all arguments and initial states.</returns>
    /// <exception cref="ArgumentException">The type is no declaration, or a tensor is missing, unknown or of a wrong shape.</exception>
    public static OracleGradients Differentiate(
        Type declaration,
        IReadOnlyDictionary<string, Tensor> arguments,
        Tensor gradOutput,
        IReadOnlyDictionary<string, Tensor>? gradFinalState = null,
        IReadOnlyDictionary<string, Tensor>? initialState = null,
        double? scale = null,
        Tensor? cuSeqlens = null,
        bool l2Norm = false)
    {
        var call = new Call(declaration, arguments, initialState, scale, cuSeqlens, l2Norm);
        var outputGradient = call.OutputGradient(gradOutput);
        var gradients = call.NewGradients(gradFinalState);
        var (output, finals) = NewResult(call);
        foreach (var walk in Walks(call))
        {
            var operands = new List<Value[]>();
            walk.Forward(output, finals, operands);
            walk.Backward(operands, outputGradient, gradients);
        }
        return new(Result(call, output, finals), ByName(call, gradients, Part.Token, Part.PerHead), ByName(call, gradients, Part.State));
    }

    private static IEnumerable<Walk> Walks(Call call) =>
        from sequence in Enumerable.Range(0, call.Sequences.Count)
        from head in Enumerable.Range(0, call.Heads)
        select new Walk(call, sequence, head);

    private static (Blocks Output, Blocks?[] FinalStates) NewResult(Call call) =>
        (call.NewOutput(), [.. call.Step.Parameters.Zip(call.Operands, (p, numbers) => p.Part == Part.State ? numbers.ZerosLike() : null)]);

    private static OracleResult Result(Call call, Blocks output, Blocks?[] finalStates) =>
        new(output.ToTensor(), ByName(call, finalStates, Part.State));

    private static Dictionary<string, Tensor> ByName(Call call, Blocks?[] blocks, params Part[] parts) =>
        call.Step.Parameters.Zip(blocks)
            .Where(pair => parts.Contains(pair.First.Part))
            .ToDictionary(pair => pair.First.Name, pair => pair.Second!.ToTensor());
}
