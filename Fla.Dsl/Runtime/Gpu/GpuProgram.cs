namespace Fla.Dsl.Runtime.Gpu;

/// <summary>What a kernel takes for a parameter. Where one says that there may be no tensor, its address is then 0.</summary>
public enum GpuRole
{
    /// <summary>
    /// An argument: per token <c>[tokens, Ha, columns]</c>, per head <c>[Ha, columns]</c>, or the scale, a <see cref="float"/>. What is per
    /// head, and what is one number a token, is fp32.
    /// </summary>
    Argument,

    /// <summary>The output, <c>[tokens, H, columns]</c>.</summary>
    Output,

    /// <summary>The output's gradient, <c>[tokens, H, columns]</c>.</summary>
    OutputGradient,

    /// <summary>
    /// The gradient of an argument: <c>[tokens, H, columns]</c>, and <c>[tokens, splits H, columns]</c> without the dimension that is
    /// split; per head always fp32 <c>[N, splits H, columns]</c>, or no tensor where it is not wanted. The launcher sums.
    /// </summary>
    ArgumentGradient,

    /// <summary>A state before the first token, fp32 <c>[N, H, R, C]</c>. No tensor stands for zero.</summary>
    InitialState,

    /// <summary>A state after the last token, fp32 <c>[N, H, R, C]</c>. There may be no tensor.</summary>
    FinalState,

    /// <summary>A state carried into each chunk, <c>[rows, H, R, C]</c>. In the forward kernel there may be no tensor.</summary>
    KeptState,

    /// <summary>The gradient of <see cref="InitialState"/>. There may be no tensor.</summary>
    InitialStateGradient,

    /// <summary>The gradient of <see cref="FinalState"/>. No tensor stands for zero.</summary>
    FinalStateGradient,

    /// <summary>
    /// The logarithm of what each element of a state is multiplied by from the first token to the last, fp32 <c>[N, H, R, C]</c>.
    /// </summary>
    StateDecay,
}

/// <summary>A parameter of a kernel: a <see cref="GpuTensor"/>, or a <see cref="float"/> for the scale.</summary>
/// <param name="Role">What it is.</param>
/// <param name="Name">What it is of: the argument, output or state by its name in the declaration.</param>
public readonly record struct GpuParameter(GpuRole Role, string Name);

/// <summary>The kernels of a recurrence.</summary>
/// <param name="Forward">From the arguments the outputs, the final states, and what <paramref name="Backward"/> wants kept.</param>
/// <param name="Backward">The gradients of all arguments but the scale, and of the initial states; null where there is no kernel.</param>
/// <param name="TokenBackward">
/// The same without those of arguments per head, for where none of them is wanted; null where that saves nothing.
/// </param>
/// <param name="Segment">
/// The final states of sequences that begin with zero, and the decays that the states before them would have had: with these a sequence
/// can be cut into segments that run at once. Null where states are not multiplied element by element.
/// </param>
/// <param name="BackwardSegment">The same of the walk backward, and of the states' gradients.</param>
public sealed record GpuProgram(
    GpuKernel Forward, GpuKernel? Backward, GpuKernel? TokenBackward = null, GpuKernel? Segment = null, GpuKernel? BackwardSegment = null)
{
    /// <summary>The kernel of the backward pass; null where there is none.</summary>
    /// <param name="perHead">Whether a gradient per head is wanted.</param>
    internal GpuKernel? BackwardFor(bool perHead) => perHead ? Backward : TokenBackward ?? Backward;
}
