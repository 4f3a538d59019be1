using Fla.Dsl.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Dsl.Autograd;

/// <summary>
/// A recurrence as a node of the autograd graph: one class for all of them, for the call carries the program. It gives first
/// derivatives; the gradients themselves have no graph.
/// </summary>
/// <remarks>
/// TorchSharp's node lives as long as an output does, and holds the saved tensors until then, also after a backward pass.
/// It makes an unwritten tensor as large as each output, only to give zeros for an output that was not used; that is disposed at
/// once here, and the zeros are <see cref="RecurrenceCall.Backward"/>'s. For such an output <see cref="Tensor.TotalCount"/> counts one
/// tensor more for ever, which holds nothing.
/// </remarks>
internal sealed class RecurrenceFunction : torch.autograd.MultiTensorFunction<RecurrenceFunction>
{
    private const string Call = "call", Wanted = "wanted";

    public override string Name => nameof(RecurrenceFunction);

    /// <summary>Evaluates a call in a way that autograd can differentiate.</summary>
    public static (Tensor Output, Tensor[] Final) Apply(
        RecurrenceCall call, IReadOnlyList<Tensor?> arguments, IReadOnlyList<Tensor?> initial)
    {
        using var scope = torch.NewDisposeScope();
        var outputs = apply([call, .. arguments.Concat(initial).Select(ManagedNode.StealableLeaf)]);

        // TorchSharp hands bare pointers to native code, which see no collector coming.
        GC.KeepAlive(arguments);
        GC.KeepAlive(initial);
        scope.MoveToOuter(outputs);
        return (outputs[0], [.. outputs.Skip(1)]);
    }

    public override List<Tensor> forward(torch.autograd.AutogradContext ctx, params object[] vars)
    {
        var call = (RecurrenceCall)vars[0];
        Tensor?[] arguments = [.. vars.Skip(1).Take(call.Arguments.Count).Cast<Tensor?>()];
        Tensor?[] initial = [.. vars.Skip(1 + call.Arguments.Count).Cast<Tensor?>()];
        var (output, final, kept) = call.Forward(arguments, initial, keep: true);

        ctx.set_materialize_grads(false);
        ctx.save_data(Call, call);
        ctx.save_data(Wanted, arguments.Concat(initial).Select(tensor => tensor is not null && tensor.requires_grad).ToArray());
        ctx.save_for_backward([.. arguments!, .. kept]);
        return [output, .. final];
    }

    public override List<Tensor> backward(torch.autograd.AutogradContext ctx, List<Tensor> grad_outputs)
    {
        var call = (RecurrenceCall)ctx.get_data(Call);
        var wanted = (bool[])ctx.get_data(Wanted);
        return ManagedNode.Backward(grad_outputs, wanted, () =>
        {
            List<Tensor?> saved = [.. ctx.get_saved_variables()];
            List<Tensor?> outputs = [.. grad_outputs.Select(gradient => gradient.IsInvalid ? null : gradient)];
            return call.Backward(
                saved[..call.Arguments.Count], [.. saved.Skip(call.Arguments.Count)!], outputs[0], outputs[1..], wanted);
        });
    }
}
