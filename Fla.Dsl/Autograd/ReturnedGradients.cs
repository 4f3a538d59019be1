using static TorchSharp.torch;

namespace Fla.Dsl.Autograd;

/// <summary>
/// The managed wrappers of gradients that a backward gave to autograd. Native code copies what it needs only after the backward has
/// returned, so the backward cannot dispose them; left to the garbage collector they would keep the gradients' memory for long.
/// The next backward on the same thread can, for then the last one is over. What no backward follows is left to the collector.
/// </summary>
internal static class ReturnedGradients
{
    [ThreadStatic]
    private static List<WeakReference<Tensor>>? onThisThread;

    public static void Add(IEnumerable<Tensor> gradients) =>
        (onThisThread ??= []).AddRange(gradients.Select(gradient => new WeakReference<Tensor>(gradient)));

    /// <summary>Disposes those of earlier backward passes. Not to be called from within one, before it is its turn.</summary>
    public static void Release()
    {
        foreach (var reference in onThisThread ?? [])
            if (reference.TryGetTarget(out var gradient))
                gradient.Dispose();

        onThisThread?.Clear();
    }
}
