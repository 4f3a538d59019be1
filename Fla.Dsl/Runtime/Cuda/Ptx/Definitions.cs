namespace Fla.Dsl.Runtime.Cuda.Ptx;

/// <summary>Where registers get their values.</summary>
internal static class Definitions
{
    /// <summary>The registers of one definition, which every way to a reader passes.</summary>
    public static RegisterSet Single(IReadOnlyList<Block> order, Dominance dominance)
    {
        var definitions = new RegisterMap<(int Block, int Place)>();
        RegisterSet single = new(), several = new();
        foreach (var block in order)
            for (int i = 0; i < block.Statements.Count; i++)
            {
                bool overwrites = block.Statements[i] is Instruction { Overwrites: true };
                foreach (var register in block.Statements[i].Writes)
                {
                    if (!overwrites || definitions[register] is not null) several.Add(register);
                    else definitions[register] = (block.Id, i);
                    single.Add(register);
                }
            }
        foreach (var block in order)
        {
            for (int i = 0; i < block.Statements.Count; i++)
                foreach (var register in block.Statements[i].Reads) Check(register, block.Id, i);
            if (block.Branch is { } branch) Check(branch.Predicate, block.Id, int.MaxValue);
        }
        single.ExceptWith(several);
        return single;

        void Check(Register register, int reader, int place)
        {
            if (definitions[register] is not { } definition || several.Contains(register)) return;
            bool before = definition.Block == reader ? definition.Place < place : dominance.Dominates(definition.Block, reader);
            if (!before) several.Add(register);
        }
    }
}
