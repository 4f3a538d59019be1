namespace Fla.Dsl.Runtime.Cuda.Ptx;

/// <summary>The turns of a loop.</summary>
/// <param name="Counter">The register that counts them.</param>
/// <param name="Values">What it holds when each begins, and when the loop is left.</param>
/// <param name="Known">What is known of registers that no turn changes.</param>
internal sealed record Turns(Register Counter, IReadOnlyList<Value> Values, Facts Known)
{
    /// <summary>How many there are.</summary>
    public int Count => Values.Count - 1;

    /// <summary>What is known when one begins, or when the loop is left.</summary>
    public Facts At(int turn)
    {
        var facts = Facts.Over(Known);
        facts[Counter] = Values[turn];
        return facts;
    }
}

/// <summary>
/// Counts the turns of a loop by going through what decides on them: a register that the header's predicate depends on, that has a known
/// value at first and that every turn changes once in a known way.
/// </summary>
internal sealed class Counting
{
    private readonly ControlFlow flow;
    private readonly IReadOnlyList<Loop> loops;
    private readonly Loop loop;
    private readonly Dictionary<Register, List<Write>> writes = [];
    private readonly int size;

    private sealed record Write(int Block, int Place, Statement Statement);

    private Counting(ControlFlow flow, IReadOnlyList<Loop> loops, Loop loop)
    {
        (this.flow, this.loops, this.loop) = (flow, loops, loop);
        foreach (int id in loop.Blocks)
        {
            var statements = flow[id].Statements;
            size += statements.Count;
            for (int i = 0; i < statements.Count; i++)
                foreach (var register in statements[i].Writes)
                {
                    if (!writes.TryGetValue(register, out var list)) writes[register] = list = [];
                    list.Add(new Write(id, i, statements[i]));
                }
        }
    }

    /// <summary>
    /// The turns of a loop when entered with <paramref name="entering"/> known, if nothing but its header ends it; null if that cannot
    /// be told, or the turns together have more than <paramref name="mostStatements"/>.
    /// </summary>
    public static Turns? Of(ControlFlow flow, IReadOnlyList<Loop> loops, Loop loop, Facts entering, int mostStatements)
    {
        var header = flow[loop.Header];
        if (loop.Latches.Count != 1 || loop.Blocks.Contains(flow.Entry.Id)) return null;
        if (header is not { Branch: { } branch, Next: { } next }) return null;
        if (loop.Blocks.Contains(next) == loop.Blocks.Contains(branch.Target)) return null;
        Register[] counters = [.. header.Statements.SelectMany(statement => statement.Reads).Distinct().Where(entering.ContainsKey)];
        if (counters.Length == 0) return null;

        var counting = new Counting(flow, loops, loop);
        var invariants = new Lazy<Facts>(() => counting.Invariants(entering));
        foreach (var counter in counters)
            if (counting.StepsOf(counter) is { } steps)
                if (counting.Simulate(header, branch, Facts.Over(invariants.Value), counter, entering[counter], steps, mostStatements) is { } values)
                    return new(counter, values, invariants.Value);
        return null;
    }

    private Facts Invariants(Facts entering)
    {
        var facts = new Facts(entering);
        foreach (var register in writes.Keys) facts.Remove(register);
        return facts;
    }

    private List<Value>? Simulate(
        Block header, Branch branch, Facts facts, Register counter, Value start, IReadOnlyList<Statement> steps, int mostStatements)
    {
        facts[counter] = start;
        List<Value> values = [start];
        for (int turns = 0; turns == 0 || (long)turns * size <= mostStatements; turns++)
        {
            foreach (var statement in header.Statements) facts.Pass(statement);
            if (facts.Of(branch.Predicate) is not { } predicate) return null;
            int next = branch.Guard.Holds(predicate.Number != 0) ? branch.Target : header.Next!.Value;
            if (!loop.Blocks.Contains(next)) return values;

            // In the next turn nothing is left of what the header has found in this one.
            foreach (var step in steps) facts.Pass(step);
            if (!facts.TryGetValue(counter, out var value)) return null;
            foreach (var statement in header.Statements)
                foreach (var register in statement.Writes) facts.Remove(register);
            facts[counter] = value;
            values.Add(value);
        }
        return null;
    }

    /// <summary>What changes the counter in one turn: its only write, after the only write of another register if it takes that.</summary>
    private IReadOnlyList<Statement>? StepsOf(Register counter)
    {
        if (OnlyWrite(counter) is not { } change) return null;
        Register[] taken = [.. change.Statement.Reads.Where(name => name != counter && writes.ContainsKey(name))];
        if (taken.Length == 0) return [change.Statement];
        if (taken.Length > 1 || OnlyWrite(taken[0]) is not { } before) return null;
        if (before.Statement.Reads.Any(name => name != counter && writes.ContainsKey(name))) return null;
        bool comesFirst = before.Block == change.Block
            ? before.Place < change.Place
            : loop.AlwaysPasses(flow, before.Block, change.Block);
        return comesFirst ? [before.Statement, change.Statement] : null;
    }

    /// <summary>
    /// The one place in the loop that changes a register, if every turn passes it exactly once, behind the header: a loop whose header
    /// steps decides when a turn is over.
    /// </summary>
    private Write? OnlyWrite(Register register)
    {
        if (!writes.TryGetValue(register, out var all) || all is not [{ Statement: Instruction { Overwrites: true } } write]) return null;
        if (write.Block == loop.Header) return null;
        bool again = loops.Any(other =>
            other.Header != loop.Header && loop.Blocks.Contains(other.Header) && other.Blocks.Contains(write.Block));
        return !again && loop.AlwaysPasses(flow, write.Block, loop.Latches[0]) ? write : null;
    }
}
