namespace Fla.Dsl.Runtime.Cuda.Ptx;

/// <summary>A conditional jump at the end of a block: to <paramref name="Target"/> if the guard holds, else to the block's next.</summary>
/// <param name="Guard">What it hangs on.</param>
/// <param name="Target">The number of the block it goes to.</param>
internal sealed record Branch(Guard Guard, int Target)
{
    /// <summary>The register of the guard.</summary>
    public Register Predicate => Guard.Predicate;
}

/// <summary>Statements that are carried out one after another, and what comes then.</summary>
/// <param name="Id">Its number, by which others name it.</param>
/// <param name="Statements">All but the jumps.</param>
/// <param name="Branch">The jump that may be taken.</param>
/// <param name="Next">Where it goes otherwise; null if it leaves the function.</param>
internal sealed record Block(int Id, IReadOnlyList<Statement> Statements, Branch? Branch, int? Next)
{
    /// <summary>The blocks that may follow.</summary>
    public IEnumerable<int> Successors
    {
        get
        {
            if (Branch is not null) yield return Branch.Target;
            if (Next is { } next && next != Branch?.Target) yield return next;
        }
    }

    /// <summary>The same with other numbers for what follows.</summary>
    public Block Redirected(Func<int, int> to) => this with
    {
        Branch = Branch is null ? null : Branch with { Target = to(Branch.Target) },
        Next = Next is { } next ? to(next) : null,
    };
}

/// <summary>The blocks of a function in the order of the text; the first is the entry, and no jump goes to it.</summary>
internal sealed class ControlFlow(IReadOnlyList<Block> blocks)
{
    private readonly Dictionary<int, Block> byId = blocks.ToDictionary(block => block.Id);

    public IReadOnlyList<Block> Blocks => blocks;

    public Block Entry => blocks[0];

    public Block this[int id] => byId[id];

    /// <summary>A number that no block has, nor any after it.</summary>
    public int FreeId { get; } = blocks.Max(block => block.Id) + 1;

    /// <summary>How many statements there are.</summary>
    public int Size => blocks.Sum(block => block.Statements.Count);

    /// <summary>Every block that can be reached, each after all that lead to it but by a way back.</summary>
    public IReadOnlyList<Block> ReversePostorder()
    {
        List<Block> order = [];
        HashSet<int> seen = [Entry.Id];
        var open = new Stack<(Block Block, IEnumerator<int> Successors)>();
        open.Push((Entry, Entry.Successors.GetEnumerator()));
        while (open.TryPeek(out var top))
        {
            if (!top.Successors.MoveNext())
            {
                order.Add(open.Pop().Block);
                continue;
            }
            var next = this[top.Successors.Current];
            if (seen.Add(next.Id)) open.Push((next, next.Successors.GetEnumerator()));
        }
        order.Reverse();
        return order;
    }

    /// <summary>The registers that a block reads before it overwrites them, each as often as that is so; most live within a block.</summary>
    public IEnumerable<Register> ReadFirst()
    {
        var own = new RegisterSet();
        foreach (var block in blocks)
        {
            own.Clear();
            foreach (var statement in block.Statements)
            {
                foreach (var register in statement.Reads)
                    if (!own.Contains(register)) yield return register;
                if (statement is Instruction { Overwrites: true }) own.Add(statement.Writes.AsSpan());
            }
            if (block.Branch is { } branch && !own.Contains(branch.Predicate)) yield return branch.Predicate;
        }
    }

    /// <summary>For each block those that lead to it.</summary>
    public ILookup<int, int> Predecessors() =>
        (from block in blocks from next in block.Successors select (block.Id, next)).ToLookup(edge => edge.next, edge => edge.Id);
}
