using Fla.Dsl.Numerics;
using static TorchSharp.torch;

namespace Fla.Dsl.Testing;

/// <summary>
/// A declaration with the numbers of one call: every tensor checked, what was left out filled in, and the rule which block of which
/// tensor a token of a head of a sequence sees.
/// </summary>
internal sealed class Call
{
    private readonly Shapes shapes;

    /// <exception cref="ArgumentException">A tensor is missing, not asked for, or of a shape that does not fit.</exception>
    public Call(
        Type declaration, IReadOnlyDictionary<string, Tensor> arguments, IReadOnlyDictionary<string, Tensor>? initialState,
        double? scale, Tensor? cuSeqlens, bool l2Norm)
    {
        Step = new(declaration);
        L2Norm = l2Norm;
        if (l2Norm && Step.Parameters.All(p => !p.HasL2NormOption))
            throw new ArgumentException($"{Step.Name} has no argument with [L2NormOption].", nameof(l2Norm));
        shapes = new(Step.Name, Step.HasHeads);
        initialState ??= new Dictionary<string, Tensor>();
        CheckNames("argument", arguments, Step.Parameters.Where(p => p.Part is Part.Token or Part.PerHead));
        CheckNames("initial state", initialState, Step.States);
        if (scale is not null && Step.Parameters.All(p => p.Part != Part.Scale))
            throw new ArgumentException($"{Step.Name} has no [Scale].", nameof(scale));

        foreach (var parameter in Step.Parameters)
            if (arguments.TryGetValue(parameter.Name, out var tensor))
                shapes.Bind(parameter.Name, tensor, parameter.Part, parameter.Dimensions);
        if (!shapes.Knows(Shapes.Tokens))
            throw new ArgumentException($"{Step.Name}: no argument with a time axis was given.", nameof(arguments));
        shapes.SetHeads();
        Sequences = Cut(cuSeqlens);
        shapes.Set(Shapes.Sequences, Sequences.Count, cuSeqlens is null ? "the batch" : "cuSeqlens");
        foreach (var state in Step.States)
            if (initialState.TryGetValue(state.Name, out var tensor))
                shapes.Bind(state.Name, tensor, Part.State, state.Dimensions);

        Operands = [.. Step.Parameters.Select(p => p.Part switch
        {
            Part.Scale => new([], 0) { [0] = Value.Number(scale ?? DefaultScale()) },
            Part.State => State(p, initialState, p.Empty),
            _ => arguments.TryGetValue(p.Name, out var tensor) ? new(tensor, p.Dimensions.Count) : Default(p),
        })];
    }

    public DeclaredStep Step { get; }

    /// <summary>Whether arguments with the option are divided by their lengths.</summary>
    public bool L2Norm { get; }

    /// <summary>Each sequence's row of the batch and range of tokens.</summary>
    public IReadOnlyList<(int Batch, int Start, int End)> Sequences { get; }

    /// <summary>The numbers of each parameter of the step, in order; of a state, those before the first token.</summary>
    public IReadOnlyList<Blocks> Operands { get; }

    public int Heads => shapes[Shapes.Heads];

    /// <summary>The block of a parameter that a token of a head of a sequence sees: head h of H reads head h // (H / Ha) of Ha.</summary>
    public int BlockOf(Parameter parameter, int sequence, int token, int head)
    {
        var own = shapes.HeadsOf(parameter.Name);
        return parameter.Part switch
        {
            Part.Token => (Sequences[sequence].Batch * shapes[Shapes.Tokens] + token) * own + head * own / Heads,
            Part.PerHead => head * own / Heads,
            Part.State => sequence * Heads + head,
            _ => 0,
        };
    }

    /// <summary>The block of the output that a token of a head of a sequence gives.</summary>
    public int OutputBlock(int sequence, int token, int head) =>
        (Sequences[sequence].Batch * shapes[Shapes.Tokens] + token) * Heads + head;

    /// <summary>Zeros shaped as the output.</summary>
    public Blocks NewOutput() => new(shapes.ShapeOf("the output", Part.Token, Step.OutputDimensions), Step.OutputDimensions.Count);

    /// <summary>The numbers of a gradient that comes in for the output.</summary>
    public Blocks OutputGradient(Tensor gradient)
    {
        shapes.Bind("the gradient of the output", gradient, Part.Token, Step.OutputDimensions);
        return new(gradient, Step.OutputDimensions.Count);
    }

    /// <summary>For each parameter zeros of its shape, but for a state the gradient that comes in for its final value.</summary>
    public Blocks[] NewGradients(IReadOnlyDictionary<string, Tensor>? finalState)
    {
        finalState ??= new Dictionary<string, Tensor>();
        CheckNames("final state", finalState, Step.States);
        foreach (var state in Step.States)
            if (finalState.TryGetValue(state.Name, out var tensor))
                shapes.Bind($"the gradient of the final {state.Name}", tensor, Part.State, state.Dimensions);
        return [.. Step.Parameters.Zip(Operands, (p, numbers) => p.Part == Part.State ? State(p, finalState, 0) : numbers.ZerosLike())];
    }

    private void CheckNames(string kind, IReadOnlyDictionary<string, Tensor> tensors, IEnumerable<Parameter> expected)
    {
        var names = expected.Select(p => p.Name).ToArray();
        foreach (var name in tensors.Keys.Except(names))
            throw new ArgumentException($"{Step.Name} has no {kind} '{name}'; it has {string.Join(", ", names)}.", name);
    }

    private Blocks State(Parameter state, IReadOnlyDictionary<string, Tensor> tensors, double otherwise) => tensors.TryGetValue(state.Name, out var tensor)
        ? new(tensor, state.Dimensions.Count)
        : new(shapes.ShapeOf(state.Name, Part.State, state.Dimensions), state.Dimensions.Count, otherwise);

    private Blocks Default(Parameter parameter)
    {
        if (parameter.Default is null)
            throw new ArgumentException($"{Step.Name}: argument '{parameter.Name}' is missing.", parameter.Name);
        var values = new Blocks(shapes.ShapeOf(parameter.Name, Part.PerHead, []), 0);
        for (var head = 0; head < Heads; head++)
            values[head] = Value.Number(parameter.Default(head, Heads));
        return values;
    }

    private double DefaultScale() =>
        Step.Parameters.First(parameter => parameter.Part is Part.Token or Part.PerHead).Dimensions is [.., var last] && shapes[last] is { } size ? 1 / Math.Sqrt(size) : 1;

    private (int, int, int)[] Cut(Tensor? cuSeqlens)
    {
        var (batch, tokens) = (shapes[Shapes.Batch], shapes[Shapes.Tokens]);
        if (cuSeqlens is null)
            return [.. Enumerable.Range(0, batch).Select(row => (row, 0, tokens))];
        if (cuSeqlens.ndim != 1 || cuSeqlens.dtype != ScalarType.Int64)
            throw new ArgumentException(
                $"cuSeqlens: expected int64 [N + 1], got {cuSeqlens.dtype} [{string.Join(", ", cuSeqlens.shape)}].", nameof(cuSeqlens));
        if (batch != 1)
            throw new ArgumentException($"cuSeqlens: packed sequences are a batch of 1, got {batch}.", nameof(cuSeqlens));

        using var scope = NewDisposeScope();
        var ends = cuSeqlens.cpu().contiguous().data<long>().ToArray();
        var pairs = ends.Zip(ends.Skip(1)).ToArray();
        if (ends is not [0, _, ..] || ends[^1] != tokens || pairs.Any(pair => pair.First > pair.Second))
            throw new ArgumentException($"cuSeqlens: expected 0 rising to T = {tokens}, got {string.Join(", ", ends)}.", nameof(cuSeqlens));
        return [.. pairs.Select(pair => (0, (int)pair.First, (int)pair.Second))];
    }
}
