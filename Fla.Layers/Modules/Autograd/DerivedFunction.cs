using Fla.Dsl.Autograd;
using static TorchSharp.torch;

namespace Fla.Layers.Modules;

/// <summary>A function of tensors, and how its gradients come about, where autograd's own way would keep too much in memory.</summary>
/// <param name="Forward">
/// From the inputs, and whether the gradient of each is wanted, to the outputs and what <paramref name="Backward"/> wants to see; all
/// else it made is disposed. No graph is recorded in it.
/// </param>
/// <param name="Backward">
/// From what was kept, the gradient of each output, null for one that was not used, and whether that of each input is wanted, to
/// those; null where not wanted.
/// </param>
internal sealed record Derivation(
    Func<Tensor?[], bool[], (Tensor[] Outputs, Tensor?[] Kept)> Forward, Func<Tensor?[], Tensor?[], bool[], Tensor?[]> Backward)
{
    /// <summary>A function of one output.</summary>
    public Derivation(
        Func<Tensor?[], bool[], (Tensor Output, Tensor?[] Kept)> forward, Func<Tensor?[], Tensor, bool[], Tensor?[]> backward)
        : this(
            (inputs, wanted) =>
            {
                var (output, kept) = forward(inputs, wanted);
                return ([output], kept);
            },
            (kept, gradients, wanted) => backward(kept, gradients[0]!, wanted))
    {
    }
}

/// <summary>A <see cref="Derivation"/> as a node of the autograd graph.</summary>
internal sealed class DerivedFunction : autograd.MultiTensorFunction<DerivedFunction>
{
    private const string Rule = "rule", Wanted = "wanted";

    public override string Name => nameof(DerivedFunction);

    /// <summary>Evaluates a function of one output so that autograd can differentiate it, if it is to.</summary>
    public static Tensor Apply(Derivation rule, params Tensor?[] inputs) => ApplyAll(rule, inputs)[0];

    /// <summary>The same for any number of outputs.</summary>
    public static IReadOnlyList<Tensor> ApplyAll(Derivation rule, params Tensor?[] inputs)
    {
        using var scope = NewDisposeScope();
        var differentiates = is_grad_enabled() && inputs.Any(input => input is { requires_grad: true });
        IReadOnlyList<Tensor> outputs = differentiates
            ? apply([rule, .. inputs.Select(Branch)])
            : rule.Forward(inputs, new bool[inputs.Length]).Outputs;
        GC.KeepAlive(inputs); // native code was handed bare pointers
        scope.MoveToOuter(outputs);
        return outputs;
    }

    public override List<Tensor> forward(autograd.AutogradContext ctx, params object[] vars)
    {
        using var noGrad = no_grad();
        var rule = (Derivation)vars[0];
        Tensor?[] inputs = [.. vars.Skip(1).Cast<Tensor?>()];
        bool[] wanted = [.. inputs.Select(input => input is { requires_grad: true })];
        var (outputs, kept) = rule.Forward(inputs, wanted);

        ctx.set_materialize_grads(false);
        ctx.save_data(Rule, rule);
        ctx.save_data(Wanted, wanted);
        ctx.save_for_backward([.. kept!]);
        return [.. outputs];
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, List<Tensor> grad_outputs)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        ReturnedGradients.Release();

        var wanted = (bool[])ctx.get_data(Wanted);
        Tensor?[] gradients;
        try
        {
            Tensor?[] outputs = [.. grad_outputs.Select(gradient => gradient.IsInvalid ? null : gradient)];
            gradients = ((Derivation)ctx.get_data(Rule)).Backward([.. ctx.get_saved_variables()], outputs, wanted);
        }
        catch (Exception exception)
        {
            gradients = Refused(wanted, exception);
        }

        foreach (var gradient in grad_outputs)
            gradient.Dispose(); // made for this call by native code, which does not free it
        var returned = gradients.OfType<Tensor>().ToArray();
        scope.MoveToOuter((IEnumerable<IDisposable>)returned);
        ReturnedGradients.Add(returned);
        return [null!, .. gradients.Select(gradient => gradient!)];
    }

    /// <summary>A leaf as a view of itself: a gradient that reaches it through a view is taken over, and not copied.</summary>
    private static object Branch(Tensor? input) => input is { requires_grad: true, is_leaf: true } ? input.view_as(input) : input!;

    /// <summary>
    /// An exception must not leave a backward, for native frames lie between it and the caller. A gradient of an impossible shape makes
    /// autograd throw one that arrives there.
    /// </summary>
    private static Tensor?[] Refused(bool[] wanted, Exception exception)
    {
        Console.Error.WriteLine($"A backward pass failed, and is reported as an invalid gradient: {exception}");
        return [.. wanted.Select(want => want ? empty([0, 0, 0, 0, 0, 0, 0]) : null)];
    }
}
