using Fla.Dsl.Generator.Lowering;

namespace Fla.Dsl.Generator.Emit.Gpu;

/// <summary>
/// What a segment of a sequence makes of an empty state, and how it decays another one: a walk without outputs, that also carries the
/// logarithms of the states' decays; or, of the walk backward, the same of the states' gradients. There is none unless each is multiplied
/// element by element, by exponentials and added to.
/// </summary>
internal sealed class SegmentProgram
{
    private readonly TileProgram walk;
    private readonly HashSet<int> dependent;
    private readonly TileBuilder builder = new();
    private readonly Dictionary<int, int> map;
    private readonly Dictionary<string, string> decays = [];

    private SegmentProgram(TileProgram walk)
    {
        (this.walk, dependent, map) = (walk, walk.DependentOnCarry(), builder.InputsOf(walk));
        builder.Copy(walk.Instructions, map);
    }

    /// <summary>The program, and of what state each carried decay is; null where there is none.</summary>
    public static (TileProgram Program, IReadOnlyDictionary<string, string> Decays)? Of(TileProgram walk) =>
        new SegmentProgram(walk).Make();

    private (TileProgram, IReadOnlyDictionary<string, string>)? Make()
    {
        var names = new Names([.. walk.Inputs.Select(input => input.Name)]);
        var next = walk.Next.Select(state => state.In(map)).ToList();
        foreach (var (state, after) in walk.Carried.Zip(walk.Next, (state, after) => (state, after.Id)).ToList())
        {
            if (FactorOf(state.Id, after) is not { } factor) return null;
            if (factor == state.Id) continue;
            if (Logarithm(factor) is not { } logarithm) return null;
            var name = names.Fresh($"{state.Name}Decay");
            var decay = builder.Input(name, InputKind.Carry, walk[state.Id].Shape);
            decays.Add(name, state.Name);
            next.Add(new ProgramOutput(name, builder.Add(decay, logarithm)));
        }

        return (builder.Build("segment", [], next), decays);
    }

    /// <summary>What a state is multiplied by; itself where it is only added to, and null where there is more to it.</summary>
    private int? FactorOf(int state, int after)
    {
        if (after == state) return state;
        var (op, operands) = (walk[after].Op, walk[after].Operands);
        var others = operands.Where(operand => !dependent.Contains(operand)).ToList();
        if (operands.Count != 2 || others.Count != 1) return null;
        var carried = operands.Single(dependent.Contains);
        return op switch
        {
            TileOp.Add => FactorOf(state, carried),
            TileOp.Multiply when carried == state => others[0],
            _ => null,
        };
    }

    /// <summary>The logarithm of a factor that is the exponential of something; another one may be negative.</summary>
    private int? Logarithm(int id)
    {
        var tile = walk[id];
        return tile.Op switch
        {
            TileOp.Exp => map[tile.Operands[0]],
            TileOp.Transpose when Logarithm(tile.Operands[0]) is { } turned => builder.Transpose(turned),
            TileOp.Broadcast when Logarithm(tile.Operands[0]) is { } repeated => builder.Broadcast(repeated, tile.Shape),
            _ => null,
        };
    }
}
