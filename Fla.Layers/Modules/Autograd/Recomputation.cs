using static TorchSharp.torch;

namespace Fla.Layers.Modules;

/// <summary>
/// Functions of which nothing is kept for the backward pass but their inputs: it evaluates them a second time. Chen et al., 2016,
/// arXiv:1604.06174.
/// </summary>
internal static class Recomputation
{
    /// <summary>Evaluates a function of tensors, which must give the same each time and must not change them.</summary>
    public static Tensor Of(Func<Tensor?[], Tensor> function, params Tensor?[] inputs)
    {
        return DerivedFunction.Apply(new Derivation((values, _) => (function(values), values), Backward), inputs);

        Tensor?[] Backward(Tensor?[] kept, Tensor gradient, bool[] wanted)
        {
            using var grad = enable_grad();
            Tensor?[] values = [.. kept.Select((value, i) => value?.detach().requires_grad_(wanted[i]))];
            var output = function(values);
            Tensor[] sources = [.. values.Where((_, i) => wanted[i])!];
            var found = new Queue<Tensor>(autograd.grad([output], sources, [gradient]));
            return [.. wanted.Select(want => want ? found.Dequeue() : null)];
        }
    }
}
