using System.Collections.Immutable;

namespace Fla.Dsl.Runtime.Cuda.Ptx;

/// <summary>
/// Leaves out what nothing reads. The driver's compiler would do so too: but of written-out loops it is the greater part, and its time
/// is most of what a kernel's first call takes.
/// </summary>
internal static class DeadCode
{
    public static ControlFlow Run(ControlFlow flow)
    {
        var liveness = new Liveness(flow);
        var here = new RegisterSet(); // of the registers that nothing reads in other blocks
        return new ControlFlow([.. flow.Blocks.Select(block => block with { Statements = Needed(block, liveness, here) })]);
    }

    private static List<Statement> Needed(Block block, Liveness liveness, RegisterSet here)
    {
        var live = liveness.AtEnd(block);
        here.Clear();
        if (block.Branch is { } branch) Set(branch.Predicate, true);
        List<Statement> needed = [];
        for (int i = block.Statements.Count - 1; i >= 0; i--)
        {
            var statement = block.Statements[i];
            bool overwrites = statement is Instruction { Overwrites: true };
            // A load may be volatile, and what it reads may be awaited.
            if (overwrites && statement is not Instruction { Root: "ld" } && !AnyOf(statement.Writes)) continue;
            if (overwrites)
                foreach (var register in statement.Writes) Set(register, false);
            foreach (var register in statement.Reads) Set(register, true);
            needed.Add(statement);
        }
        needed.Reverse();
        return needed;

        bool AnyOf(ImmutableArray<Register> registers)
        {
            foreach (var register in registers)
                if (liveness.NumberOf(register) is { } number ? live[number] : here.Contains(register)) return true;
            return false;
        }

        void Set(Register register, bool value)
        {
            if (liveness.NumberOf(register) is { } number) live[number] = value;
            else if (value) here.Add(register);
            else here.Remove(register);
        }
    }
}
