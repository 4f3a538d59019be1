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
            ? apply([rule, .. inputs.Select(ManagedNode.StealableLeaf)])
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
        var wanted = (bool[])ctx.get_data(Wanted);
        return ManagedNode.Backward(grad_outputs, wanted, () =>
        {
            Tensor?[] outputs = [.. grad_outputs.Select(gradient => gradient.IsInvalid ? null : gradient)];
            return ((Derivation)ctx.get_data(Rule)).Backward([.. ctx.get_saved_variables()], outputs, wanted);
        });
    }
}
