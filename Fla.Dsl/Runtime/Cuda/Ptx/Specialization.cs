using System.Runtime.InteropServices;

namespace Fla.Dsl.Runtime.Cuda.Ptx;

/// <summary>
/// Writes the statements of one turn of a loop, of which the counter is known: without those that only work out a number from it, which
/// stands where it is needed. Of a loop over fragments that is most, and the sooner it is gone, the less there is to go through.
/// </summary>
internal sealed class Specialization
{
    // What does not live within a block: it may be missed behind.
    private readonly RegisterSet lasting = new();
    private readonly Dictionary<Register, Known> waiting = [];
    private readonly List<Statement> written = [];

    /// <summary>A known value that no instruction has put into its register.</summary>
    private sealed record Known(Value Value, string Type);

    /// <summary>For the blocks of a function, and for copies of them.</summary>
    public Specialization(ControlFlow flow)
    {
        foreach (var register in flow.ReadFirst()) lasting.Add(register);
    }

    /// <summary>The statements of a block, given what is known before it; that is brought up to date.</summary>
    public IReadOnlyList<Statement> Run(Block block, Facts facts)
    {
        waiting.Clear();
        written.Clear();
        foreach (var statement in block.Statements)
        {
            var value = facts.Pass(statement);
            if (value is { } known && !lasting.Contains(statement.Writes[0]))
            {
                waiting[statement.Writes[0]] = new(known, ResultOf((Instruction)statement));
                continue;
            }
            Keep(statement);
            foreach (var register in statement.Writes) waiting.Remove(register);
        }
        if (block.Branch is { } branch) Put(branch.Predicate);
        return [.. written];
    }

    private void Keep(Statement statement)
    {
        var kept = statement is Instruction instruction ? WithNumbers(instruction) : statement;
        foreach (var register in kept.Reads) Put(register);
        written.Add(kept);
    }

    private Instruction WithNumbers(Instruction instruction)
    {
        Operand[]? operands = null;
        for (int i = 0; i < instruction.Operands.Length; i++)
        {
            Operand? known = instruction.Operands[i] switch
            {
                Address { Base: Register start } address when waiting.TryGetValue(start, out var place) && place.Value.Array is { } array =>
                    new Address(array, place.Value.Number + address.Offset),
                Register register when i > 0 && instruction.Opcode.TakesLiterals && waiting.TryGetValue(register, out var number)
                    && number is { Value.Array: null, Type: not "pred" } => new Literal(number.Value.Number),
                _ => null,
            };
            if (known is not null) (operands ??= [.. instruction.Operands])[i] = known;
        }
        return operands is null
            ? instruction
            : new Instruction(instruction.Guard, instruction.Opcode, ImmutableCollectionsMarshal.AsImmutableArray(operands));
    }

    /// <summary>Puts a value that is waiting into its register.</summary>
    private void Put(Register register)
    {
        if (!waiting.Remove(register, out var known)) return;
        var (array, number) = known.Value;
        var literal = new Literal(number);
        if (known.Type == "pred") written.Add(new Instruction(null, Opcode.Of("setp.ne.s32"), register, literal, new Literal(0)));
        else written.Add(new Instruction(null, Opcode.Of($"mov.{known.Type}"), register, array ?? (Operand)literal));
        if (array is not null && number != 0) written.Add(new Instruction(null, Opcode.Of("add.s64"), register, register, literal));
    }

    /// <summary>The type of what an instruction gives.</summary>
    private static string ResultOf(Instruction instruction) => instruction switch
    {
        { Root: "setp" } or { Type: "pred" } => "pred",
        { Modifiers: "wide" } => "b64",
        { Root: "cvt" } => Bits(instruction.Modifiers),
        _ => Bits(instruction.Type),
    };

    private static string Bits(string type) => type.EndsWith("64", StringComparison.Ordinal) ? "b64" : "b32";
}
