using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Dsl.Autograd;

/// <summary>What a node of the autograd graph that is written in C# must do beside its own work.</summary>
internal static class ManagedNode
{
    /// <summary>
    /// A leaf seen through a view. Autograd accumulates a gradient into a leaf by taking the tensor over if nobody else holds it and by
    /// copying it otherwise; ours is still held by its managed wrapper. The view's backward hands on a view, which is taken over.
    /// </summary>
    public static object StealableLeaf(Tensor? tensor) =>
        tensor is { requires_grad: true, is_leaf: true } ? tensor.view_as(tensor) : tensor!;

    /// <summary>A backward pass: what it gives to autograd, after a place for the argument that is no tensor.</summary>
    /// <param name="outputs">The gradients of the outputs, made for this call by native code, which nobody else disposes.</param>
    /// <param name="wanted">Which gradients are wanted.</param>
    /// <param name="gradients">Computes them; null where not wanted.</param>
    public static List<Tensor> Backward(IReadOnlyList<Tensor> outputs, bool[] wanted, Func<Tensor?[]> gradients)
    {
        using var noGrad = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        ReturnedGradients.Release();

        Tensor?[] computed;
        try
        {
            computed = gradients();
        }
        catch (Exception exception)
        {
            computed = Refused(wanted, exception);
        }

        foreach (var gradient in outputs) gradient.Dispose();
        var returned = computed.OfType<Tensor>().ToArray();
        scope.MoveToOuter((IEnumerable<IDisposable>)returned);
        ReturnedGradients.Add(returned);
        return [null!, .. computed.Select(gradient => gradient!)];
    }

    /// <summary>
    /// A managed exception must not leave a backward: native frames lie between it and the caller, and the process would end. A gradient
    /// of an impossible shape makes autograd itself throw one that arrives at the caller's backward().
    /// </summary>
    private static Tensor?[] Refused(bool[] wanted, Exception exception)
    {
        Console.Error.WriteLine($"A backward pass failed, and is reported as an invalid gradient: {exception}");
        return [.. wanted.Select(want => want ? torch.empty([0, 0, 0, 0, 0, 0, 0]) : null)];
    }
}
