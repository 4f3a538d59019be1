namespace Fla.Dsl.Runtime.Cuda.Ptx;

/// <summary>An operand: a register, or a value that stands in the text; the value is -1 where there is no operand.</summary>
internal sealed record Operand(string? Register, int Value);

/// <summary>What an instruction computes that only gives a register a value: from what, and into which kind of register.</summary>
internal sealed record Computation(Operand A, Operand B, Operand C, char Kind);

/// <summary>Which statements are computations. The copies of a loop share their statements: each is looked at once.</summary>
internal sealed class Computations(RegisterFile registers, ValueTable values)
{
    private static readonly HashSet<string> Pure =
    [
        "mov", "cvt", "setp", "selp", "add", "sub", "mul", "mad", "fma", "neg", "abs", "min", "max", "div", "rem",
        "and", "or", "xor", "not", "shl", "shr", "rcp", "sqrt", "rsqrt", "sin", "cos", "lg2", "ex2", "tanh",
    ];

    private readonly Dictionary<Statement, Computation?> known = [];

    /// <summary>What a statement computes; null if it does anything else.</summary>
    public Computation? Of(Statement statement)
    {
        if (known.TryGetValue(statement, out var computation)) return computation;
        return known[statement] = statement is Instruction { Overwrites: true } instruction && IsPure(instruction)
            ? new(Read(instruction, 1), Read(instruction, 2), Read(instruction, 3), registers.KindOf(instruction.Operands[0]))
            : null;
    }

    private bool IsPure(Instruction instruction)
    {
        if (!Pure.Contains(instruction.Root) || !registers.Has(instruction.Operands[0])) return false;
        for (int i = 1; i < instruction.Operands.Count; i++)
        {
            string operand = instruction.Operands[i];
            if (operand[0] is '{' or '[' or '(' || operand.Contains('|')) return false;
            if (operand[0] == '%' && !registers.Has(operand) && !ValueTable.IsFixed(operand)) return false;
        }
        return instruction.Operands.Count is > 1 and < 5 && registers.KindFor(instruction.Opcode, 1) != '\0';
    }

    private Operand Read(Instruction instruction, int i)
    {
        if (i >= instruction.Operands.Count) return new(null, -1);
        string operand = instruction.Operands[i];
        return registers.Has(operand) ? new(operand, -1) : new(null, values.Literal(operand));
    }
}
