namespace Fla.Dsl.Runtime.Cuda.Ptx;

/// <summary>Where registers get their values.</summary>
internal static class Definitions
{
    /// <summary>The registers of one definition, which every way to a reader passes.</summary>
    public static HashSet<string> Single(IReadOnlyList<Block> order, Dominance dominance)
    {
        Dictionary<string, (int Block, int Place)> definitions = [];
        HashSet<string> several = [];
        foreach (var block in order)
            for (int i = 0; i < block.Statements.Count; i++)
                foreach (string register in block.Statements[i].Writes)
                {
                    bool overwrites = block.Statements[i] is Instruction { Overwrites: true };
                    if (!overwrites || !definitions.TryAdd(register, (block.Id, i))) several.Add(register);
                }
        foreach (var block in order)
        {
            for (int i = 0; i < block.Statements.Count; i++)
                foreach (string register in block.Statements[i].Reads) Check(register, block.Id, i);
            if (block.Branch is { } branch) Check(branch.Predicate, block.Id, int.MaxValue);
        }
        return [.. definitions.Keys.Where(register => !several.Contains(register))];

        void Check(string register, int reader, int place)
        {
            if (!definitions.TryGetValue(register, out var definition) || several.Contains(register)) return;
            bool before = definition.Block == reader ? definition.Place < place : dominance.Dominates(definition.Block, reader);
            if (!before) several.Add(register);
        }
    }
}
