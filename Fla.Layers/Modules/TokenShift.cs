using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Layers.Modules;

/// <summary>How each token differs from the one before it, <c>delta_t = x_{t-1} - x_t</c>. Peng et al., 2023, arXiv:2305.13048.</summary>
public sealed class TokenShift : nn.Module<Tensor, Tensor>
{
    /// <summary>Makes one; it has no parameters.</summary>
    public TokenShift()
        : base(nameof(TokenShift))
    {
    }

    /// <summary>Whole sequences, whose first token differs from zero.</summary>
    /// <param name="x"><c>[B, T, D]</c>.</param>
    /// <returns><c>[B, T, D]</c>.</returns>
    public override Tensor forward(Tensor x)
    {
        var (delta, last) = forward(x, cache: null);
        last.Dispose();
        return delta;
    }

    /// <summary>Sequences, or the next tokens of sequences.</summary>
    /// <param name="x"><c>[B, T, D]</c>.</param>
    /// <param name="cache">The token before the first of each sequence: <c>[N, D]</c>; zero if null.</param>
    /// <param name="cuSeqlens">For packed sequences, batch 1: where each begins, <c>int64 [N + 1]</c>.</param>
    /// <returns>The differences <c>[B, T, D]</c>, and the last token of each sequence <c>[N, D]</c>.</returns>
    /// <exception cref="ArgumentException">An argument has the wrong shape.</exception>
    public (Tensor delta, Tensor last) forward(Tensor x, Tensor? cache, Tensor? cuSeqlens = null)
    {
        if (x.dim() != 3)
            throw new ArgumentException($"{nameof(x)}: expected [B, T, D], came [{string.Join(", ", x.shape)}].", nameof(x));

        using var scope = torch.NewDisposeScope();
        var preceded = PrecedingTokens.Of(x, cache?.unsqueeze(1), reach: 1, cuSeqlens, nameof(cache));
        var delta = preceded.AtTokens(preceded.Rows, first: 1) - x;
        return scope.MoveToOuter(delta, preceded.Last().squeeze(1).clone());
    }

    /// <summary>PyTorch's line for it: there it is written as a padding that cuts the last token off.</summary>
    public override string ToString() => "ZeroPad2d((0, 0, 1, -1))";
}
