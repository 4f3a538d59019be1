using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Fla.Layers.Modules;

/// <summary>
/// A causal depthwise convolution over the last few tokens, <c>y_t = act(sum_j w_j x_{t - W + 1 + j} + b)</c>, computed in fp32.
/// Its filters are those of a <c>Conv1d</c> with as many groups as channels.
/// </summary>
public sealed class ShortConvolution : nn.Module<Tensor, Tensor>
{
    private readonly Parameter weight;
    private readonly Parameter? bias;
    private readonly string? activation;

    /// <summary>Makes one with the initial filters of a <c>Conv1d</c>: uniform within one over the square root of the width.</summary>
    /// <param name="hiddenSize">The number of channels D.</param>
    /// <param name="kernelSize">How many tokens a filter spans, the current one among them: W.</param>
    /// <param name="bias">Whether there is a bias.</param>
    /// <param name="activation">"silu", "swish" or null for none.</param>
    /// <exception cref="ArgumentException">The activation is another, or a size is not positive.</exception>
    public ShortConvolution(long hiddenSize, long kernelSize, bool bias = false, string? activation = "silu")
        : base(nameof(ShortConvolution))
    {
        if (activation is not (null or "silu" or "swish"))
            throw new ArgumentException($"{nameof(activation)}: expected silu, swish or null, came {activation}.", nameof(activation));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(hiddenSize);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(kernelSize);

        this.activation = activation;
        var bound = 1 / Math.Sqrt(kernelSize);
        weight = new Parameter(nn.init.uniform_(torch.empty(hiddenSize, 1, kernelSize), -bound, bound));
        if (bias)
            this.bias = new Parameter(nn.init.uniform_(torch.empty(hiddenSize), -bound, bound));
        RegisterComponents();
    }

    /// <summary>Whole sequences that nothing came before.</summary>
    /// <param name="x"><c>[B, T, D]</c>.</param>
    /// <returns><c>[B, T, D]</c>.</returns>
    public override Tensor forward(Tensor x) => forward(x, cache: null).y;

    /// <summary>Sequences, or the next tokens of sequences.</summary>
    /// <param name="x"><c>[B, T, D]</c>.</param>
    /// <param name="cache">The last W inputs of each sequence: <c>[N, D, W]</c>; zeros if null.</param>
    /// <param name="outputFinalState">Whether to give the last W inputs.</param>
    /// <param name="cuSeqlens">For packed sequences, batch 1: where each begins, <c>int64 [N + 1]</c>.</param>
    /// <param name="residual">Is added after the activation: <c>[B, T, D]</c>.</param>
    /// <param name="mask">What x is multiplied with first, 0 at padding: <c>[B, T]</c>. Not for packed sequences.</param>
    /// <returns>The output <c>[B, T, D]</c> in the dtype of x, and the last W inputs <c>[N, D, W]</c>, or null.</returns>
    /// <exception cref="ArgumentException">An argument has the wrong shape, or there is a mask for packed sequences.</exception>
    public (Tensor y, Tensor? finalState) forward(
        Tensor x,
        Tensor? cache,
        bool outputFinalState = false,
        Tensor? cuSeqlens = null,
        Tensor? residual = null,
        Tensor? mask = null)
    {
        var (channels, width) = (weight.shape[0], weight.shape[2]);
        if (x.dim() != 3 || x.shape[2] != channels)
            throw new ArgumentException($"{nameof(x)}: expected [B, T, {channels}], came [{string.Join(", ", x.shape)}].", nameof(x));
        if (mask is not null && cuSeqlens is not null)
            throw new ArgumentException($"{nameof(mask)}: expected none for packed sequences, came one.", nameof(mask));
        if (mask is not null && !mask.shape.SequenceEqual(x.shape[..2]))
            throw new ArgumentException(
                $"{nameof(mask)}: expected [{x.shape[0]}, {x.shape[1]}], came [{string.Join(", ", mask.shape)}].", nameof(mask));

        using var scope = torch.NewDisposeScope();
        var input = mask is null ? x : x * mask.unsqueeze(-1).to(x.dtype);
        var (activated, state) = CausalConvolution.Apply(input, weight, bias, activation, cache, outputFinalState, cuSeqlens);
        var y = residual is null ? activated : activated.Plus(residual);
        return (scope.MoveToOuter(y), state is null ? null : scope.MoveToOuter(state));
    }

    /// <summary>PyTorch's line for it.</summary>
    public override string ToString()
    {
        var (channels, width) = (weight.shape[0], weight.shape[2]);
        return $"{nameof(ShortConvolution)}({channels}, {channels}, kernel_size=({width},), stride=(1,), padding=({width - 1},), " +
            $"groups={channels}{(bias is null ? ", bias=False" : "")}" +
            $"{(activation is null ? "" : $", activation={activation}")}, backend=triton)";
    }
}
