namespace Fla.Dsl.Runtime.Cuda.Ptx;

/// <summary>
/// Follows numbers and addresses of local arrays through a function, each block once. Of a register that a loop changes nothing is known
/// at the loop's header; where ways meet, what all of them agree on is known; a way that no known predicate allows is not gone.
/// </summary>
internal sealed class Propagation(ControlFlow flow, IReadOnlyDictionary<int, Loop> loops)
{
    private readonly Dictionary<Loop, RegisterSet> changed = [];
    private readonly Dictionary<int, Facts> atStart = [];
    private readonly Lazy<Liveness> liveness = new(() => new Liveness(flow));

    /// <summary>
    /// Takes a statement that can be reached: its block, its place there, and what is known before it, which it brings up to date by
    /// <see cref="Facts.Pass"/>.
    /// </summary>
    public Action<Block, int, Facts> Passing { get; init; } = (block, at, facts) => facts.Pass(block.Statements[at]);

    /// <summary>Told of every block that can be reached, and what is known at its end.</summary>
    public Action<Block, Facts>? Leaving { get; init; }

    /// <summary>Told of every array whose address is carried to where it is no longer known.</summary>
    public Action<Register>? Losing { get; init; }

    /// <summary>Goes through the function, and returns what of it can be reached, with the jumps that are known to go one way.</summary>
    public ControlFlow Run()
    {
        Dictionary<int, Block> reached = [];
        atStart[flow.Entry.Id] = [];
        foreach (var block in flow.ReversePostorder())
        {
            var loop = loops.GetValueOrDefault(block.Id);
            if (!atStart.Remove(block.Id, out var facts))
            {
                // What is entered in its middle may be reached by a way back alone.
                if (loop is null || !IsEnteredElsewhere(loop)) continue;
                facts = [];
            }
            if (loop is not null) Forget(loop, facts);
            for (int i = 0; i < block.Statements.Count; i++) Passing(block, i, facts);
            if (block == flow.Entry) facts.KeepThroughout(ChangedAfter(block));

            var decided = Decide(block, facts);
            Leaving?.Invoke(decided, facts);
            reached[block.Id] = decided;
            int[] successors = [.. decided.Successors];
            for (int i = 0; i < successors.Length; i++)
                Carry(i < successors.Length - 1 ? new Facts(facts) : facts, successors[i], reached);
        }
        return new ControlFlow([.. from block in flow.Blocks where reached.ContainsKey(block.Id) select reached[block.Id]]);
    }

    private static Block Decide(Block block, Facts facts)
    {
        if (block.Branch is not { } branch || facts.Of(branch.Predicate) is not { } predicate) return block;
        return block with { Branch = null, Next = branch.Guard.Holds(predicate.Number != 0) ? branch.Target : block.Next };
    }

    private void Carry(Facts facts, int to, Dictionary<int, Block> reached)
    {
        if (reached.ContainsKey(to))
        {
            // A way back: the header was gone through without what it might bring.
            if (Losing is null) return;
            foreach (var (register, value) in facts)
                if (IsForgotten(register, loops[to])) Lose(register, value, to);
        }
        else if (atStart.TryGetValue(to, out var known))
        {
            foreach (var (register, value) in known)
                if (!facts.TryGetValue(register, out var other) || other != value)
                {
                    known.Remove(register);
                    Lose(register, value, to);
                }
            if (Losing is null) return;
            foreach (var (register, value) in facts)
                if (!known.ContainsKey(register)) Lose(register, value, to);
        }
        else
        {
            atStart[to] = facts;
        }
    }

    private void Forget(Loop loop, Facts facts)
    {
        foreach (var (register, value) in facts)
            if (IsForgotten(register, loop))
            {
                facts.Remove(register);
                Lose(register, value, loop.Header);
            }
    }

    private bool IsForgotten(Register register, Loop loop) => IsEnteredElsewhere(loop) || ChangedIn(loop).Contains(register);

    private RegisterSet ChangedIn(Loop loop)
    {
        if (!changed.TryGetValue(loop, out var registers)) changed[loop] = registers = WrittenBy(loop.Blocks.Select(id => flow[id]));
        return registers;
    }

    private RegisterSet ChangedAfter(Block entry) => WrittenBy(flow.Blocks.Where(block => block != entry));

    private static RegisterSet WrittenBy(IEnumerable<Block> blocks)
    {
        var registers = new RegisterSet();
        foreach (var statements in blocks.Select(block => block.Statements).Distinct())
            foreach (var statement in statements)
                registers.Add(statement.Writes.AsSpan());
        return registers;
    }

    private bool IsEnteredElsewhere(Loop loop) => loop.Blocks.Contains(flow.Entry.Id);

    private void Lose(Register register, Value value, int block)
    {
        if (Losing is not null && value.Array is { } array && liveness.Value.IsLive(register, block)) Losing(array);
    }
}
