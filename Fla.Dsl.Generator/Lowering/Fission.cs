namespace Fla.Dsl.Generator.Lowering;

/// <summary>
/// A program cut where the carried state comes in: <paramref name="Local"/> is computed without it, <paramref name="Advance"/> takes the
/// state to the next chunk, <paramref name="Output"/> gives the outputs. Each part lists the instructions it computes, and
/// <paramref name="Exports"/> those of Local's that the other two read.
/// </summary>
internal sealed record SplitProgram(
    TileProgram Program,
    IReadOnlyList<int> Local,
    IReadOnlyList<int> Advance,
    IReadOnlyList<int> Output,
    IReadOnlyList<int> Exports);

/// <summary>
/// Cuts a program so that a schedule may run all that needs no state for every chunk at once. Local holds only what Advance needs:
/// Output computes for itself what it alone reads, which a schedule runs for all chunks at once as well.
/// </summary>
internal static class Fission
{
    public static SplitProgram Split(TileProgram program)
    {
        // A single number is written where it is used.
        bool Computed(int id) => program[id].Op != TileOp.Input && !(program[id].Op == TileOp.Constant && program[id].Shape == Shape.Scalar);
        var dependent = program.DependentOnCarry();
        var advancing = program.Ancestors(program.Next.Select(next => next.Id));
        var local = new HashSet<int>(advancing.Where(id => Computed(id) && !dependent.Contains(id)));
        var advance = new HashSet<int>(advancing.Where(id => Computed(id) && dependent.Contains(id)));

        // Going up from the outputs, what Local has is read and not computed again.
        var output = new HashSet<int>();
        var open = new Stack<int>(program.Outputs.Select(o => o.Id));
        while (open.Count > 0)
        {
            var id = open.Pop();
            if (!Computed(id) || local.Contains(id) || !output.Add(id)) continue;
            foreach (var operand in program[id].Operands) open.Push(operand);
        }

        var exports = advance.SelectMany(id => program[id].Operands).Where(id => program.IsInput(id) && !dependent.Contains(id))
            .Concat(advance.Concat(output).SelectMany(id => program[id].Operands)
            .Concat(program.Outputs.Select(o => o.Id)).Concat(program.Next.Select(n => n.Id))
            .Where(local.Contains)).Distinct().OrderBy(id => id).ToList();
        return new SplitProgram(program, Ordered(local), Ordered(advance), Ordered(output), exports);
    }

    private static IReadOnlyList<int> Ordered(IEnumerable<int> ids) => ids.OrderBy(id => id).ToList();
}
