using Fla.Dsl.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Dsl.Autograd;

/// <summary>
/// A recurrence as a node of the autograd graph: one class for all of them, for the evaluator carries the program. It gives first
/// derivatives; the gradients themselves have no graph.
/// </summary>
/// <remarks>
/// TorchSharp's node lives as long as an output does, and holds the saved tensors until then, also after a backward pass.
/// It makes an unwritten tensor as large as each output, only to give zeros for an output that was not used; that is disposed at
/// once here, and the zeros are <see cref="Evaluator.Backward"/>'s. For such an output <see cref="Tensor.TotalCount"/> counts one
/// tensor more for ever, which holds nothing.
/// </remarks>
internal sealed class RecurrenceFunction : torch.autograd.MultiTensorFunction<RecurrenceFunction>
{
    private const string Evaluated = "evaluated", Wanted = "wanted";

    public override string Name => nameof(RecurrenceFunction);

    /// <summary>Evaluates a call in a way that autograd can differentiate.</summary>
    public static (Tensor Output, Tensor[] Final) Apply(
        Evaluator evaluator, IReadOnlyList<Tensor?> arguments, IReadOnlyList<Tensor?> initial)
    {
        using var scope = torch.NewDisposeScope();
        var outputs = apply([evaluator, .. arguments.Concat(initial).Select(ManagedNode.StealableLeaf)]);

        // TorchSharp hands bare pointers to native code, which see no collector coming.
        GC.KeepAlive(arguments);
        GC.KeepAlive(initial);
        scope.MoveToOuter(outputs);
        return (outputs[0], [.. outputs.Skip(1)]);
    }

    public override List<Tensor> forward(torch.autograd.AutogradContext ctx, params object[] vars)
    {
        var evaluator = (Evaluator)vars[0];
        var count = evaluator.Call.Arguments.Count;
        Tensor?[] arguments = [.. vars.Skip(1).Take(count).Cast<Tensor?>()];
        Tensor?[] initial = [.. vars.Skip(1 + count).Cast<Tensor?>()];
        var (output, final, kept) = evaluator.Forward(arguments, initial, keep: true);

        ctx.set_materialize_grads(false);
        ctx.save_data(Evaluated, evaluator);
        ctx.save_data(Wanted, arguments.Concat(initial).Select(tensor => tensor is not null && tensor.requires_grad).ToArray());
        ctx.save_for_backward([.. arguments!, .. kept]);
        return [output, .. final];
    }

    public override List<Tensor> backward(torch.autograd.AutogradContext ctx, List<Tensor> grad_outputs)
    {
        var evaluator = (Evaluator)ctx.get_data(Evaluated);
        var wanted = (bool[])ctx.get_data(Wanted);
        return ManagedNode.Backward(grad_outputs, wanted, () =>
        {
            List<Tensor?> saved = [.. ctx.get_saved_variables()];
            List<Tensor?> outputs = [.. grad_outputs.Select(gradient => gradient.IsInvalid ? null : gradient)];
            var count = evaluator.Call.Arguments.Count;
            return evaluator.Backward(saved[..count], [.. saved.Skip(count)!], outputs[0], outputs[1..], wanted);
        });
    }
}
