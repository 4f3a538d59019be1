using static TorchSharp.torch;

namespace Fla.Dsl.Autograd;

/// <summary>
/// The managed wrappers of gradients that a backward gave to autograd. Native code copies what it needs only after the backward has
/// returned, through bare pointers that keep no wrapper alive: neither may the backward dispose them, nor may the garbage collector
/// have them before. The next backward on the same thread disposes them, for then the last one is over.
/// </summary>
internal static class ReturnedGradients
{
    [ThreadStatic]
    private static List<Tensor>? onThisThread;

    public static void Add(IEnumerable<Tensor> gradients) => (onThisThread ??= []).AddRange(gradients);

    /// <summary>Disposes those of earlier backward passes. Not to be called from within one, before it is its turn.</summary>
    public static void Release()
    {
        foreach (var gradient in onThisThread ?? []) gradient.Dispose();
        onThisThread?.Clear();
    }
}
