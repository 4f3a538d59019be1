using System.Collections;

namespace Fla.Dsl.Runtime.Cuda.Ptx;

/// <summary>Which registers hold, at the start of a block, a value that something may yet read.</summary>
internal sealed class Liveness
{
    private readonly ControlFlow flow;

    // Of those that a block reads before it overwrites them: most registers live within one.
    private readonly RegisterMap<int> numbers = new();
    private readonly int count;
    private readonly Dictionary<int, BitArray> atStart = [];

    public Liveness(ControlFlow flow)
    {
        this.flow = flow;
        foreach (var register in flow.ReadFirst()) numbers[register] ??= count++;

        // What a block reads before it writes, and what it overwrites; the copies of a loop share their statements.
        Dictionary<IReadOnlyList<Statement>, (BitArray Reads, BitArray Keeps)> effects = [];
        foreach (var block in flow.Blocks)
            if (!effects.ContainsKey(block.Statements)) effects[block.Statements] = EffectOf(block.Statements);

        // Backward until nothing is added: once over the function, and once more for each depth of loops.
        Block[] order = [.. flow.ReversePostorder().Reverse()];
        foreach (var block in order) atStart[block.Id] = new BitArray(count);
        for (bool grown = true; grown;)
        {
            grown = false;
            foreach (var block in order)
            {
                var live = AtEnd(block);
                var (reads, keeps) = effects[block.Statements];
                live.And(keeps).Or(reads);
                if (Same(live, atStart[block.Id])) continue;
                atStart[block.Id].Or(live);
                grown = true;
            }
        }
    }

    /// <summary>Whether a register's value may yet be read when a block starts.</summary>
    public bool IsLive(Register register, int block) => NumberOf(register) is { } number && atStart[block][number];

    /// <summary>By number, the registers whose values may yet be read when a block ends: of those that have a number.</summary>
    public BitArray AtEnd(Block block)
    {
        var live = new BitArray(count);
        foreach (int next in block.Successors) live.Or(atStart[next]);
        if (block.Branch is { } branch && NumberOf(branch.Predicate) is { } number) live[number] = true;
        return live;
    }

    /// <summary>The number of a register; null for one whose values are never read in other blocks than have written them.</summary>
    public int? NumberOf(Register register) => numbers[register];

    private (BitArray Reads, BitArray Keeps) EffectOf(IReadOnlyList<Statement> statements)
    {
        var (reads, keeps) = (new BitArray(count), new BitArray(count, true));
        foreach (var statement in statements)
        {
            foreach (var register in statement.Reads)
                if (NumberOf(register) is { } number && keeps[number]) reads[number] = true;
            if (statement is not Instruction { Overwrites: true }) continue;
            foreach (var register in statement.Writes)
                if (NumberOf(register) is { } number) keeps[number] = false;
        }
        return (reads, keeps);
    }

    private static bool Same(BitArray a, BitArray b) => !((BitArray)a.Clone()).Xor(b).HasAnySet();
}
