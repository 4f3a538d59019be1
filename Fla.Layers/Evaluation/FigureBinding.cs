using Fla.Dsl;
using static TorchSharp.torch;

namespace Fla.Layers.Evaluation;

/// <summary>A tensor of the figures in the place of one of an op's.</summary>
/// <param name="Name">The input's name in the figures.</param>
/// <param name="Transposed">Whether its last two dimensions are the declared ones the other way round.</param>
internal sealed record BoundInput(string Name, bool Transposed);

/// <summary>A final state of the figures and the op's that it is compared with.</summary>
/// <param name="State">The index among the op's states.</param>
/// <param name="Transposed">Whether its last two dimensions are the declared ones the other way round.</param>
internal sealed record BoundState(int State, bool Transposed);

/// <summary>
/// Which of an op's arguments and states the figures' tensors are. Names decide; an argument that is not there by name takes the
/// one input that fits it; what is left are initial states, in order.
/// </summary>
/// <param name="Arguments">An input for each declared argument but the scale; null for the default.</param>
/// <param name="InitialStates">An input for each declared state; null for zero.</param>
/// <param name="FinalStates">For each final state of the figures the op's.</param>
internal sealed record FigureBinding(
    IReadOnlyList<BoundInput?> Arguments, IReadOnlyList<BoundInput?> InitialStates, IReadOnlyList<BoundState> FinalStates)
{
    /// <summary>Binds figures to an op.</summary>
    /// <exception cref="InvalidDataException">They do not fit it, or do not say clearly how.</exception>
    public static FigureBinding Of(RecurrenceOp op, OpFigures figures)
    {
        var shapes = new Shapes(op, figures.Output.shape);
        var arguments = op.Arguments.Where(argument => argument.Role != ArgumentRole.Scale).ToArray();
        var free = new SortedDictionary<string, Tensor>(figures.Inputs.ToDictionary(), StringComparer.Ordinal);

        // Vectors that are there by name fix the dimensions, by which matrices and the nameless are then judged.
        foreach (var argument in arguments)
        {
            if (free.TryGetValue(argument.Name, out var input)) shapes.Learn(argument.Dimensions, input.shape);
        }

        var bound = new BoundInput?[arguments.Length];
        for (var i = 0; i < bound.Length; i++)
        {
            if (free.Remove(arguments[i].Name, out var input)) bound[i] = ByName(op, arguments[i], input, shapes);
        }

        for (var i = 0; i < bound.Length; i++) bound[i] ??= ByShape(op, arguments[i], free, shapes);

        return new FigureBinding(bound, BindInitial(op, free, shapes), BindFinal(op, figures.States, shapes));
    }

    private static BoundInput ByName(RecurrenceOp op, Argument argument, Tensor input, Shapes shapes)
    {
        var fit = shapes.FitArgument(argument, input.shape);
        if (fit != Fit.None) return new BoundInput(argument.Name, fit == Fit.Transposed);
        throw new InvalidDataException(
            $"expected 'in.{argument.Name}' of {op.Name} to be {shapes.Expected(argument)}, came {Shapes.Text(input.shape)}");
    }

    private static BoundInput? ByShape(RecurrenceOp op, Argument argument, SortedDictionary<string, Tensor> free, Shapes shapes)
    {
        var candidates = free
            .Where(item => !IsInitialState(item.Key) && shapes.FitArgument(argument, item.Value.shape) != Fit.None)
            .Select(item => item.Key)
            .ToArray();
        if (candidates is [var name])
        {
            free.Remove(name, out var input);
            shapes.Learn(argument.Dimensions, input!.shape);
            return new BoundInput(name, shapes.FitArgument(argument, input.shape) == Fit.Transposed);
        }

        if (candidates.Length == 0 && argument is { Role: ArgumentRole.PerHead, Default: not null }) return null;
        throw new InvalidDataException(
            $"expected 'in.{argument.Name}' {shapes.Expected(argument)} for {op.Name}, came none of that name and "
            + (candidates.Length == 0 ? "none that fits" : $"more than one that fits: {string.Join(", ", candidates)}"));
    }

    // h0, hk0, hv0: flash-linear-attention's names.
    private static bool IsInitialState(string name) => name is ['h', .., '0'];

    private static BoundInput?[] BindInitial(RecurrenceOp op, SortedDictionary<string, Tensor> free, Shapes shapes)
    {
        var initial = new BoundInput?[op.States.Count];
        var next = 0;
        foreach (var (name, input) in free)
        {
            var bound = NextState(op, next, input.shape, shapes)
                ?? throw new InvalidDataException(
                    $"'in.{name}' {Shapes.Text(input.shape)} is neither an argument of {op.Name} nor fits one of its states");
            initial[bound.State] = new BoundInput(name, bound.Transposed);
            next = bound.State + 1;
        }

        return initial;
    }

    private static BoundState[] BindFinal(RecurrenceOp op, IReadOnlyList<Tensor> states, Shapes shapes)
    {
        var final = new BoundState[states.Count];
        var next = 0;
        for (var i = 0; i < final.Length; i++)
        {
            final[i] = NextState(op, next, states[i].shape, shapes)
                ?? throw new InvalidDataException(
                    $"'out.state{i}' {Shapes.Text(states[i].shape)} fits none of the states that {op.Name} has left");
            next = final[i].State + 1;
        }

        return final;
    }

    // States that the figures leave out (a normaliser's, say) are passed over.
    private static BoundState? NextState(RecurrenceOp op, int next, long[] shape, Shapes shapes)
    {
        for (; next < op.States.Count; next++)
        {
            var fit = shapes.FitState(op.States[next], shape);
            if (fit != Fit.None) return new BoundState(next, fit == Fit.Transposed);
        }

        return null;
    }
}
