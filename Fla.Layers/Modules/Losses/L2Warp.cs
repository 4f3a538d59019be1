using static TorchSharp.torch;

namespace Fla.Layers.Modules;

/// <summary>
/// A gradient without a loss: each token's largest logit is pushed towards 0 in proportion to its size, so that logits do not grow
/// without bound (RWKV).
/// </summary>
public static class L2Warp
{
    /// <summary>Gives a loss back as it is, with that gradient on its logits.</summary>
    /// <param name="loss">Any scalar.</param>
    /// <param name="logits"><c>[B, T, V]</c>.</param>
    /// <param name="factor">How strongly, divided by B T.</param>
    /// <returns>The loss.</returns>
    public static Tensor Apply(Tensor loss, Tensor logits, double factor = 1e-4)
    {
        var tokens = logits.NumberOfElements / logits.shape[^1];
        return DerivedFunction.Apply(
            new Derivation(
                (inputs, _) => (inputs[0]!.clone(), [inputs[1]]),
                (kept, upstream, wanted) =>
                {
                    using var scope = NewDisposeScope();
                    var gradient = zeros_like(kept[0]!);
                    AddTo(gradient, kept[0]!, factor / tokens);
                    gradient.mul_(upstream.to(gradient.dtype));
                    return [wanted[0] ? scope.MoveToOuter(upstream.clone()) : null, wanted[1] ? scope.MoveToOuter(gradient) : null];
                }),
            loss,
            logits);
    }

    /// <summary>Adds the gradient of <c>[.., V]</c> logits to another.</summary>
    internal static void AddTo(Tensor gradient, Tensor logits, double factor)
    {
        using var scope = NewDisposeScope();
        var (largest, places) = logits.max(-1, keepdim: true);
        gradient.scatter_add_(-1, places, largest.to(gradient.dtype).Times(factor));
    }
}
