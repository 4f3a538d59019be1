using Fla.Dsl;
using Fla.Dsl.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Ops.Tests.Runtime;

/// <summary>
/// One token of a recurrence, differentiable by autograd: from the arguments in declaration order with the scale (<c>[rows, H, 1, dim]</c>
/// or one row) and the states <c>[rows, H, R, C]</c> to the output and the states after the token.
/// </summary>
internal delegate (Tensor Output, Tensor[] States) Token(Tensor[] arguments, Tensor[] states);

/// <summary>A recurrence made by hand, as the generator would make it, with the plain token function that it is checked against.</summary>
internal sealed record TestOp(RecurrenceOp Op, Token Token)
{
    public static TestOp Make(
        string name,
        bool hasHeads,
        Argument[] arguments,
        StateVariable[] states,
        string[] output,
        Token token,
        TorchProgram? chunk = null,
        TorchProgram? single = null)
    {
        var derived = new DerivedProgram(token, arguments).Program;
        var op = new RecurrenceOp
        {
            Name = name,
            Declaration = typeof(TestOp),
            Class = "by hand",
            HasHeads = hasHeads,
            Arguments = arguments,
            States = states,
            OutputDimensions = output,
            Modes = [Mode.Chunk, Mode.FusedChunk, Mode.FusedRecurrent, Mode.Parallel],
            ChunkProgram = chunk ?? derived,
            TokenProgram = single ?? derived,
        };
        return new(op, token);
    }

    /// <summary>The arguments that tensors are given for.</summary>
    public Argument[] Declared => [.. Op.Arguments.Where(argument => argument.Role != ArgumentRole.Scale)];
}

/// <summary>
/// A program for any chunk length that walks its tokens one by one and has autograd derive its backward: slow, and right for any
/// recurrence. For what the schedules do around a program it is as good as a fast one. The scale, if any, is declared last.
/// </summary>
internal sealed class DerivedProgram(Token token, Argument[] arguments)
{
    private readonly int differentiable = arguments.Count(argument => argument.Role != ArgumentRole.Scale);

    public TorchProgram Program => new(
        new(
            inputs => inputs,
            (state, local) => Walk(local, state).States,
            (inputs, state, _) => [Walk(inputs, state).Output]),
        new(
            inputs => inputs,
            (gradient, local) => Gradients(local, gradient)[differentiable..],
            (inputs, gradient, _) => Gradients(inputs, gradient)[..differentiable]));

    // Inputs: the arguments, the mask.
    private (Tensor Output, Tensor[] States) Walk(Tensor[] inputs, Tensor[] states)
    {
        var mask = inputs[arguments.Length];
        var outputs = new List<Tensor>();
        for (var c = 0L; c < mask.shape[2]; c++)
        {
            var (output, next) = token(
                [.. arguments.Zip(inputs, (argument, input) => argument.Role is ArgumentRole.PerHead or ArgumentRole.Scale ? input : input.narrow(2, c, 1))],
                states);
            var valid = mask.narrow(2, c, 1);
            states = [.. states.Zip(next, (before, after) => torch.where(valid > 0, after, before))];
            outputs.Add(output);
        }

        return (torch.cat(outputs, 2), states);
    }

    // Of the arguments but the scale, then of the states. Inputs: those of Walk, the states, the gradient of the output.
    private Tensor[] Gradients(Tensor[] inputs, Tensor[] gradient)
    {
        using var grad = torch.enable_grad();
        var rows = inputs[^1].shape[0];
        Tensor[] leaves =
        [
            .. inputs[..differentiable].Concat(inputs[(arguments.Length + 1)..^1])
                .Select(tensor => tensor.detach().expand([rows, .. tensor.shape[1..]]).clone().requires_grad_()),
        ];
        var (output, states) = Walk([.. leaves[..differentiable], .. inputs[differentiable..(arguments.Length + 1)]], leaves[differentiable..]);
        var loss = states.Zip(gradient, (state, g) => (state * g).sum()).Aggregate((output * inputs[^1]).sum(), (a, b) => a + b);
        return [.. torch.autograd.grad([loss], leaves, allow_unused: true).Zip(leaves, (g, leaf) => g.IsInvalid ? torch.zeros_like(leaf) : g)];
    }
}
