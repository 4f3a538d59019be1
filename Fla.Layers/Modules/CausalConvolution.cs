using Fla.Dsl;
using Fla.Layers.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Layers.Modules;

/// <summary>The causal depthwise convolution of <see cref="ShortConvolution"/>, with filters and an activation from elsewhere.</summary>
internal static class CausalConvolution
{
    /// <summary>Convolves, and gives the last inputs where wanted.</summary>
    /// <param name="x"><c>[B, T, D]</c>.</param>
    /// <param name="weight"><c>[D, 1, W]</c>, the current token last.</param>
    /// <param name="bias"><c>[D]</c> or null.</param>
    /// <param name="activation">By its name in <see cref="Activations.Get"/>; null for none.</param>
    /// <param name="cache">The last W inputs of each sequence: <c>[N, D, W]</c>; zeros if null.</param>
    /// <param name="outputFinalState">Whether to give the last W inputs.</param>
    /// <param name="cuSeqlens">For packed sequences, where they begin.</param>
    /// <returns>The output <c>[B, T, D]</c> in the type of x, and the last W inputs <c>[N, D, W]</c>, or null.</returns>
    public static (Tensor Output, Tensor? Last) Apply(
        Tensor x, Tensor weight, Tensor? bias, string? activation, Tensor? cache, bool outputFinalState, Tensor? cuSeqlens)
    {
        using var scope = torch.NewDisposeScope();
        var swish = activation is "silu" or "swish";
        var device = activation is null || swish ? FusedConvolution.DeviceOf(x, weight, bias) : null;
        if (device is not null && cache is null && !outputFinalState)
            return (scope.MoveToOuter(FusedConvolution.Apply(device, x, weight, bias, swish, Positions(x, cuSeqlens))), null);

        // Where there is a past, or one is to be left, the tokens come behind it as one longer sequence.
        var width = weight.shape[2];
        var preceded = PrecedingTokens.Of(x, cache?.transpose(1, 2), width, cuSeqlens, nameof(cache));
        Tensor y;
        if (device is not null)
        {
            y = preceded.AtTokens(FusedConvolution.Apply(device, preceded.Rows, weight, bias, swish, positions: null), first: 0);
        }
        else
        {
            var rows = nn.functional.conv1d(
                Precision.Widen(preceded.Rows.transpose(1, 2)),
                Precision.Widen(weight),
                bias is null ? null : Precision.Widen(bias),
                groups: weight.shape[0]).transpose(1, 2);
            var mixed = preceded.AtTokens(rows, first: width - 1);
            y = (activation is null ? mixed : Activations.Get(activation)(mixed)).to(x.dtype);
        }

        return (scope.MoveToOuter(y), outputFinalState ? scope.MoveToOuter(preceded.Last().transpose(1, 2).contiguous()) : null);
    }

    /// <summary>The position of each token in its sequence, <c>int32 [T]</c>; null where sequences are not packed.</summary>
    /// <exception cref="ArgumentException">The offsets do not fit.</exception>
    internal static Tensor? Positions(Tensor x, Tensor? cuSeqlens)
    {
        var offsets = SequenceOffsets.Of(cuSeqlens, x.shape[0], x.shape[1]);
        if (cuSeqlens is null)
            return null;

        var positions = new int[x.shape[1]];
        for (var n = 1; n < offsets.Length; n++)
            for (var token = offsets[n - 1]; token < offsets[n]; token++)
                positions[token] = (int)(token - offsets[n - 1]);
        return torch.tensor(positions, device: x.device);
    }
}
