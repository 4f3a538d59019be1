using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Layers.Modules;

/// <summary>The causal depthwise convolution of <see cref="ShortConvolution"/>, with filters from elsewhere.</summary>
internal static class CausalConvolution
{
    /// <summary>Convolves, and gives the last inputs where wanted.</summary>
    /// <param name="x"><c>[B, T, D]</c>.</param>
    /// <param name="weight"><c>[D, 1, W]</c>, the current token last.</param>
    /// <param name="bias"><c>[D]</c> or null.</param>
    /// <param name="cache">The last W inputs of each sequence: <c>[N, D, W]</c>; zeros if null.</param>
    /// <param name="outputFinalState">Whether to give the last W inputs.</param>
    /// <param name="cuSeqlens">For packed sequences, where they begin.</param>
    /// <returns>The output <c>[B, T, D]</c> in at least fp32, and the last W inputs <c>[N, D, W]</c>, or null.</returns>
    public static (Tensor Output, Tensor? Last) Apply(
        Tensor x, Tensor weight, Tensor? bias, Tensor? cache, bool outputFinalState, Tensor? cuSeqlens)
    {
        using var scope = torch.NewDisposeScope();
        var width = weight.shape[2];
        var preceded = PrecedingTokens.Of(x, cache?.transpose(1, 2), width, cuSeqlens, nameof(cache));
        var rows = nn.functional.conv1d(
            Precision.Widen(preceded.Rows.transpose(1, 2)),
            Precision.Widen(weight),
            bias is null ? null : Precision.Widen(bias),
            groups: weight.shape[0]).transpose(1, 2);
        var y = preceded.AtTokens(rows, first: width - 1);
        return (scope.MoveToOuter(y), outputFinalState ? scope.MoveToOuter(preceded.Last().transpose(1, 2).contiguous()) : null);
    }
}
