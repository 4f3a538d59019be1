using System.Collections;

namespace Fla.Dsl.Runtime.Cuda.Ptx;

/// <summary>Which registers hold, at the start of a block, a value that something may yet read.</summary>
internal sealed class Liveness
{
    private readonly ControlFlow flow;
    private readonly Dictionary<string, int> numbers = [];
    private readonly Dictionary<int, BitArray> atStart = [];

    public Liveness(ControlFlow flow)
    {
        this.flow = flow;
        foreach (var statements in flow.Blocks.Select(block => block.Statements).Distinct())
            foreach (var statement in statements)
            {
                foreach (string register in statement.Reads) numbers.TryAdd(register, numbers.Count);
                foreach (string register in statement.Writes) numbers.TryAdd(register, numbers.Count);
            }
        foreach (var block in flow.Blocks)
            if (block.Branch is { } branch) numbers.TryAdd(branch.Predicate, numbers.Count);

        // What a block reads before it writes, and what it overwrites; the copies of a loop share their statements.
        Dictionary<IReadOnlyList<Statement>, (BitArray Reads, BitArray Keeps)> effects = [];
        foreach (var block in flow.Blocks)
            if (!effects.ContainsKey(block.Statements)) effects[block.Statements] = EffectOf(block.Statements);

        // Backward until nothing is added: once over the function, and once more for each depth of loops.
        Block[] order = [.. flow.ReversePostorder().Reverse()];
        foreach (var block in order) atStart[block.Id] = new BitArray(numbers.Count);
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
    public bool IsLive(string register, int block) => numbers.TryGetValue(register, out int number) && atStart[block][number];

    /// <summary>By number, the registers whose values may yet be read when a block ends.</summary>
    public BitArray AtEnd(Block block)
    {
        var live = new BitArray(numbers.Count);
        foreach (int next in block.Successors) live.Or(atStart[next]);
        if (block.Branch is { } branch) live[numbers[branch.Predicate]] = true;
        return live;
    }

    /// <summary>The number of a register that the function names.</summary>
    public int NumberOf(string register) => numbers[register];

    private (BitArray Reads, BitArray Keeps) EffectOf(IReadOnlyList<Statement> statements)
    {
        var (reads, keeps) = (new BitArray(numbers.Count), new BitArray(numbers.Count, true));
        foreach (var statement in statements)
        {
            foreach (string register in statement.Reads)
                if (keeps[numbers[register]]) reads[numbers[register]] = true;
            if (statement is not Instruction { Overwrites: true }) continue;
            foreach (string register in statement.Writes) keeps[numbers[register]] = false;
        }
        return (reads, keeps);
    }

    private static bool Same(BitArray a, BitArray b) => !((BitArray)a.Clone()).Xor(b).HasAnySet();
}
