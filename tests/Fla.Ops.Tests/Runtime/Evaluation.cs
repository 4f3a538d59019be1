using Fla.Dsl;
using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Ops.Tests.Runtime;

/// <summary>Inputs of a call with cotangents for what it gives.</summary>
internal sealed record Inputs(
    TestOp Test, Tensor?[] Arguments, Tensor?[]? Initial, long[]? Offsets, Tensor Output, Tensor[] Final, double? Scale)
{
    /// <summary>Random inputs; log-decays are at most 0.</summary>
    /// <param name="test">The recurrence.</param>
    /// <param name="batch">B.</param>
    /// <param name="tokens">T.</param>
    /// <param name="heads">H.</param>
    /// <param name="dtype">Of all tensors.</param>
    /// <param name="offsets">Where packed sequences begin.</param>
    /// <param name="ownHeads">Arguments with fewer heads.</param>
    /// <param name="initial">Whether to start from a state.</param>
    /// <param name="without">An argument to leave to its default.</param>
    /// <param name="scale">The scale; null for its default.</param>
    /// <param name="values">The size of V.</param>
    public static Inputs Random(
        TestOp test,
        long batch,
        long tokens,
        long heads,
        ScalarType dtype = ScalarType.Float64,
        long[]? offsets = null,
        Dictionary<string, long>? ownHeads = null,
        bool initial = true,
        string? without = null,
        double? scale = null,
        long values = 4)
    {
        var random = new torch.Generator(11);
        var sizes = new Dictionary<string, long> { ["K"] = 6, ["V"] = values, ["D"] = 5 };
        long[] HeadsOf(string name) => test.Op.HasHeads ? [ownHeads?.GetValueOrDefault(name, heads) ?? heads] : [];
        Tensor Normal(params long[] shape) => torch.randn(shape, dtype: ScalarType.Float64, generator: random).to(dtype);

        var arguments = test.Declared.Select(argument =>
        {
            long[] outer = argument.Role == ArgumentRole.PerHead ? HeadsOf(argument.Name) : [batch, tokens, .. HeadsOf(argument.Name)];
            var tensor = Normal([.. outer, .. argument.Dimensions.Select(dimension => sizes[dimension])]);
            return argument.Name == without ? null
                : argument.IsLogDecay || argument.Name == "gamma" ? -tensor.abs() * 0.3
                : argument.Name == "b" ? tensor * 0.5
                : tensor;
        }).ToArray();

        var sequences = offsets is null ? batch : offsets.Length - 1;
        Tensor State(StateVariable state) => Normal([sequences, .. HeadsOf(""), .. state.Dimensions.Select(dimension => sizes[dimension])]);
        return new(
            test,
            arguments,
            initial ? [.. test.Op.States.Select(State)] : null,
            offsets,
            Normal([batch, tokens, .. HeadsOf(""), .. test.Op.OutputDimensions.Select(dimension => sizes[dimension])]),
            [.. test.Op.States.Select(State)],
            scale);
    }

    public Tensor? CuSeqlens => Offsets is null ? null : torch.tensor(Offsets);

    /// <summary>The same numbers as leaves in another dtype.</summary>
    public Inputs Leaves(ScalarType dtype) => this with
    {
        Arguments = [.. Arguments.Select(tensor => tensor?.detach().to(dtype).clone().requires_grad_())],
        Initial = Initial is null ? null : [.. Initial.Select(tensor => tensor?.detach().to(dtype).clone().requires_grad_())],
    };
}

/// <summary>What a call gives and its gradients for the cotangents of the inputs.</summary>
internal sealed record Evaluation(Tensor Output, Tensor[] Final, Tensor?[] Gradients)
{
    /// <summary>By the operator.</summary>
    public static Evaluation By(Mode mode, Inputs inputs, ScalarType dtype = ScalarType.Float64)
    {
        var own = inputs.Leaves(dtype);
        var (o, final) = own.Test.Op.Run(mode, own.Arguments, own.Scale, own.Initial, outputFinalState: true, own.CuSeqlens);
        return Of(own, o, final!);
    }

    /// <summary>By walking the tokens of each sequence in fp64.</summary>
    public static Evaluation Naive(Inputs inputs)
    {
        var own = inputs.Leaves(ScalarType.Float64);
        var (op, output) = (own.Test.Op, own.Output);
        var canonical = own.Test.Declared.Zip(own.Arguments, (argument, tensor) => Canonical(op, argument, tensor)).ToArray();
        var heads = canonical.OfType<Tensor>().Max(tensor => tensor.shape[^3]);
        canonical = [.. canonical.Zip(own.Test.Declared, (tensor, argument) =>
            tensor is null
                ? torch.tensor([.. Enumerable.Range(0, (int)heads).Select(head => argument.Default!(head, (int)heads))]).view(1, heads, 1, 1)
                : tensor.repeat_interleave(heads / tensor.shape[^3], -3))];

        var (batch, tokens) = (output.shape[0], output.shape[1]);
        var sequences = own.Offsets is { } offsets
            ? offsets.Zip(offsets.Skip(1), (begin, end) => (Batch: 0L, Begin: begin, End: end)).ToArray()
            : [.. Enumerable.Range(0, (int)batch).Select(b => (Batch: (long)b, Begin: 0L, End: tokens))];

        var outputs = new List<Tensor>();
        var final = own.Final.Select(_ => new List<Tensor>()).ToArray();
        for (var n = 0; n < sequences.Length; n++)
        {
            var states = op.States.Select((state, i) => InitialState(own, state, i, n, heads)).ToArray();
            for (var t = sequences[n].Begin; t < sequences[n].End; t++)
            {
                Tensor[] token = [.. own.Test.Declared.Zip(canonical, (argument, tensor) =>
                    argument.Role == ArgumentRole.PerHead ? tensor! : tensor![sequences[n].Batch, t].unsqueeze(0))];
                if (op.Arguments[^1].Role == ArgumentRole.Scale)
                    token = [.. token, torch.full([1, 1, 1, 1], own.Scale ?? 1 / Math.Sqrt(token[0].shape[^1]), dtype: ScalarType.Float64)];
                (var o, states) = own.Test.Token(token, states);
                outputs.Add(o);
            }

            for (var i = 0; i < states.Length; i++)
                final[i].Add(states[i]);
        }

        return Of(
            own,
            torch.cat(outputs).reshape(output.shape),
            [.. final.Zip(own.Final, (states, like) => torch.cat(states).reshape(like.shape))]);
    }

    /// <summary>Compares everything.</summary>
    public static void AssertClose(Evaluation expected, Evaluation actual, double tolerance)
    {
        Close.Assert(expected.Output, actual.Output, tolerance, "output");
        for (var i = 0; i < expected.Final.Length; i++)
            Close.Assert(expected.Final[i], actual.Final[i], tolerance, $"final state {i}");
        for (var i = 0; i < expected.Gradients.Length; i++)
            if (expected.Gradients[i] is { } gradient)
                Close.Assert(gradient, actual.Gradients[i]!, tolerance, $"gradient {i}");
    }

    private static Evaluation Of(Inputs own, Tensor o, Tensor[] final)
    {
        var loss = final.Zip(own.Final, (state, cotangent) => (state * cotangent.to(state.dtype)).sum())
            .Aggregate((o * own.Output.to(o.dtype)).sum().to(final[0].dtype), (a, b) => a + b);
        loss.backward();
        return new(
            o.detach(),
            [.. final.Select(state => state.detach())],
            [.. own.Arguments.Concat(own.Initial ?? []).Select(tensor => tensor?.grad)]);
    }

    // [B, T, Ha, 1, D] or [1, Ha, R, C]
    private static Tensor? Canonical(RecurrenceOp op, Argument argument, Tensor? tensor)
    {
        if (tensor is null)
            return null;
        if (argument.Dimensions.Count == 0)
            tensor = tensor.unsqueeze(-1);
        if (!op.HasHeads)
            tensor = tensor.unsqueeze(-1 - Math.Max(1, argument.Dimensions.Count));
        if (argument.Dimensions.Count < 2)
            tensor = tensor.unsqueeze(-2);
        return argument.Role == ArgumentRole.PerHead ? tensor.unsqueeze(0) : tensor;
    }

    private static Tensor InitialState(Inputs own, StateVariable state, int i, int n, long heads)
    {
        var like = own.Final[i];
        long[] dims = state.Dimensions.Count == 1 ? [1, heads, 1, like.shape[^1]] : [1, heads, like.shape[^2], like.shape[^1]];
        return own.Initial?[i] is { } given ? given[n].reshape(dims) : torch.zeros(dims, ScalarType.Float64);
    }
}
