using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace Fla.Dsl.Runtime.Cuda.Ptx;

/// <summary>
/// Computes nothing twice: gives every value a number, the same to what is computed in the same way from the same values, and what
/// has a number already, on every way that leads there, is not computed again. Constants are folded, copies are followed to their
/// sources, and sums with constants are kept as such, so that addresses with one base become that base and an offset in the
/// instruction. The greater part of a written-out loop goes this way; the driver's compiler finds less of it, and takes its time.
/// </summary>
internal sealed class Numbering
{
    private readonly ControlFlow flow;
    private readonly IReadOnlyList<Block> order;
    private readonly Dominance dominance;
    private readonly Liveness liveness;
    private readonly ILookup<int, int> predecessors;
    private readonly RegisterFile registers;
    private readonly ValueTable values;
    private readonly Renaming renaming;
    private readonly int given; // registers that there were before

    // What registers hold: those with one definition, which all their readers come after, anywhere; others in the block at hand.
    private readonly RegisterSet single;
    private readonly RegisterMap<int> held = new();
    private readonly Dictionary<int, Dictionary<Register, int>> atEnd = [];
    private Dictionary<Register, int> current = [];
    private readonly List<Statement> written = [];
    private readonly List<(Register From, Register To)> renamed = [];
    private readonly Facts facts = [];
    private int block;

    private Numbering(PtxFunction function)
    {
        flow = Joining.Run(function.Flow);
        order = flow.ReversePostorder();
        dominance = new Dominance(order);
        liveness = new Liveness(flow);
        predecessors = flow.Predecessors();
        registers = function.Registers;
        registers.Settle();
        given = registers.Count;
        values = new ValueTable((earlier, later) => dominance.Dominates(earlier, later));
        renaming = new Renaming(Target, Source, Place);
        single = Definitions.Single(order, dominance);
    }

    public static PtxFunction Run(PtxFunction function)
    {
        var numbering = new Numbering(function);
        Block[] blocks = [.. numbering.order.Select(numbering.Rewrite)];
        return function with { Flow = new ControlFlow(blocks) };
    }

    private Block Rewrite(Block source)
    {
        block = source.Id;
        int[] before = [.. predecessors[block]];
        current = before.Length == 1 && block != flow.Entry.Id ? new(atEnd[before[0]]) : [];
        written.Clear();
        foreach (var statement in source.Statements)
        {
            if (statement is Instruction { Computes: true } instruction) Compute(instruction);
            else Keep(statement);
        }
        var branch = source.Branch is { } jump ? On(jump, Source(jump.Predicate)) : null;
        branch = End(source, branch);
        return source with { Statements = [.. written], Branch = branch };
    }

    /// <summary>An instruction that does nothing but give a register a value.</summary>
    private void Compute(Instruction instruction)
    {
        var operands = instruction.Operands;
        var to = (Register)operands[0];
        int a = ValueOf(operands, 1), b = ValueOf(operands, 2), c = ValueOf(operands, 3);
        if (operands[1] is Register { IsArray: false } && instruction is { Root: "mov", Modifiers: "" })
        {
            Set(to, a);
            return;
        }
        if (Fold(instruction, a, b, c) is { } folded)
        {
            Set(to, folded);
            return;
        }
        if (values.Split(instruction, a, b) is { } sum && IsAt(sum.A) && (sum.B < 0 || IsAt(sum.B)))
        {
            int from = sum.Opcode is null ? sum.A : Result(sum.Opcode, null, sum.A, sum.B, -1, to.Kind);
            Set(to, sum.Offset == 0 ? from : Sum(from, sum.Offset, instruction.Opcode, to));
            return;
        }
        var (opcode, by) = values.Cheaper(instruction, a, b) ?? (instruction.Opcode, b);
        int result = Result(opcode, to, a, by, c, to.Kind);
        values.Learn(result, instruction, a, b);
        Set(to, result);
    }

    /// <summary>A value that is known without computing: a number, or one of the operands.</summary>
    private int? Fold(Instruction instruction, int a, int b, int c)
    {
        if (IsNumber(a) && IsNumber(b) && IsNumber(c) && Evaluate(instruction, a, b, c) is { } folded) return folded;
        if (instruction is { Root: "selp", Modifiers: "" })
        {
            int? chosen = a == b ? a : values.NumberOf(c) is { } predicate ? predicate != 0 ? a : b : null;
            return chosen is { } one && values.HolderOf(one) is Register { IsArray: false } ? one : null;
        }
        if (instruction is { Root: "and" or "or", Type: "pred" })
        {
            bool and = instruction.Root == "and";
            if (values.NumberOf(a) is { } first) return first != 0 == and ? b : a;
            if (values.NumberOf(b) is { } second) return second != 0 == and ? a : b;
        }
        return null;
    }

    private int? Evaluate(Instruction instruction, int a, int b, int c)
    {
        facts.Clear();
        for (int i = 1; i < instruction.Operands.Length; i++)
            if (instruction.Operands[i] is Register register)
                facts[register] = new Value(null, values.NumberOf(i == 1 ? a : i == 2 ? b : c)!.Value);
        return IntegerArithmetic.Evaluate(instruction, facts) is { Array: null } value ? values.Constant(value.Number) : null;
    }

    private bool IsNumber(int value) => value < 0 || values.NumberOf(value) is not null;

    /// <summary>The value of base + offset.</summary>
    private int Sum(int from, long offset, Opcode like, Register to)
    {
        if (values.FindSum(from, offset, block) is { } known) return known;
        var opcode = Opcode.Of(like.Type.EndsWith("64", StringComparison.Ordinal) ? "add.s64" : "add.s32");
        int sum = Emit(opcode, to, from, values.Constant(offset), -1, like.Kind);
        values.AddSum(sum, from, offset, block);
        return sum;
    }

    private int Result(Opcode opcode, Register? to, int a, int b, int c, char kind)
    {
        if (values.Find(opcode, a, b, c, block) is { } known) return known;
        int result = Emit(opcode, to, a, b, c, kind);
        values.Add(opcode, a, b, c, block, result);
        return result;
    }

    private int Emit(Opcode opcode, Register? to, int a, int b, int c, char kind)
    {
        int count = c >= 0 ? 4 : b >= 0 ? 3 : 2;
        var operands = new Operand[count];
        for (int i = 1; i < count; i++)
        {
            int operand = i == 1 ? a : i == 2 ? b : c;
            operands[i] = opcode.TakesLiterals ? values.HolderOf(operand) : Holder(operand, opcode.KindOf(i));
        }
        var holder = to is not null && single.Contains(to) ? to : registers.New(kind);
        operands[0] = holder;
        written.Add(new Instruction(null, opcode, ImmutableCollectionsMarshal.AsImmutableArray(operands)));
        return values.New(holder);
    }

    /// <summary>A statement that stays, its registers named anew.</summary>
    private void Keep(Statement statement)
    {
        bool overwrites = statement is Instruction { Overwrites: true };
        renamed.Clear();
        foreach (var register in statement.Writes)
        {
            if (register.IsArray) continue;
            var to = overwrites && single.Contains(register) ? register : registers.New(register.Kind);
            // What may not be overwritten, or not altogether, is what it was.
            if (!overwrites) written.Add(Move(to, ValueOf(register), register.Kind));
            renamed.Add((register, to));
        }
        written.Add(statement.Renamed(renaming));
        foreach (var (register, to) in renamed) Set(register, values.New(to));
    }

    // The new name of a register that the statement at hand changes.
    private Register Target(Register register)
    {
        foreach (var (from, to) in renamed)
            if (from == register) return to;
        return Source(register);
    }

    // A register that holds what another does.
    private Register Source(Register register) => register.IsArray ? register : Holder(ValueOf(register), register.Kind);

    /// <summary>An address, as a base and an offset.</summary>
    private (Register Base, long Offset)? Place(Register register)
    {
        if (register.IsArray) return null;
        int value = ValueOf(register);
        if (values.NumberOf(value) is not null || values.SumOf(value) is not { } sum || !IsAt(sum.From)) return null;
        return Math.Abs(sum.Offset) < ValueTable.MostOffset && values.HolderOf(sum.From) is Register { IsArray: false } holder
            ? (holder, sum.Offset)
            : null;
    }

    /// <summary>Puts what the blocks that follow read of other registers into these, all at once.</summary>
    private Branch? End(Block source, Branch? branch)
    {
        List<(Register To, int Value)> moves = [];
        foreach (var (register, value) in current)
            if (values.HolderOf(value) != register && source.Successors.Any(next => liveness.IsLive(register, next)))
                moves.Add((register, value));
        HashSet<Register> overwritten = [.. moves.Select(move => move.To)];
        Dictionary<Register, Register> saved = [];
        foreach (var holder in moves.Select(move => values.HolderOf(move.Value)).Append(branch?.Predicate).OfType<Register>().Distinct())
            if (overwritten.Contains(holder))
            {
                saved[holder] = registers.New(holder.Kind);
                written.Add(new Instruction(null, RegisterFile.MoveOf(holder.Kind), saved[holder], holder));
            }
        foreach (var (to, value) in moves)
            written.Add(values.HolderOf(value) is Register holder && saved.TryGetValue(holder, out var kept)
                ? new Instruction(null, RegisterFile.MoveOf(to.Kind), to, kept)
                : Move(to, value, to.Kind));

        Dictionary<Register, int> after = [];
        foreach (var (register, value) in current)
        {
            // One home is enough for what no address hangs on.
            bool moved = overwritten.Contains(register) && values.NumberOf(value) is null && values.SumOf(value) is null;
            bool isAt = values.HolderOf(value) is not Register holder || !overwritten.Contains(holder);
            if (!moved && isAt) after[register] = value;
            else if (overwritten.Contains(register)) after[register] = values.New(register);
        }
        atEnd[block] = after;
        return branch is not null && saved.TryGetValue(branch.Predicate, out var predicate) ? On(branch, predicate) : branch;
    }

    private static Branch On(Branch branch, Register predicate) => branch with { Guard = branch.Guard with { Predicate = predicate } };

    private Instruction Move(Register to, int value, char kind) =>
        kind == RegisterFile.Predicate && values.NumberOf(value) is not null
            ? new Instruction(null, Opcode.Of("setp.ne.s32"), to, values.HolderOf(value), values.HolderOf(values.Constant(0)))
            : new Instruction(null, RegisterFile.MoveOf(kind), to, values.HolderOf(value));

    // A register that holds the value: what is none is put into one.
    private Register Holder(int value, char kind)
    {
        if (values.HolderOf(value) is Register { IsArray: false } holder) return holder;
        var move = RegisterFile.MoveOf(kind);
        if (values.Find(move, value, -1, -1, block) is { } known) return (Register)values.HolderOf(known);
        holder = registers.New(kind);
        written.Add(Move(holder, value, kind));
        values.Add(move, value, -1, -1, block, values.New(holder));
        return holder;
    }

    private int ValueOf(ImmutableArray<Operand> operands, int i) =>
        i >= operands.Length ? -1 : operands[i] is Register { IsArray: false } register ? ValueOf(register) : values.Fixed(operands[i]);

    private int ValueOf(Register register)
    {
        if (single.Contains(register)) return held[register] ??= values.New(register);
        if (!current.TryGetValue(register, out int value)) current[register] = value = values.New(register);
        return value;
    }

    private void Set(Register register, int value)
    {
        if (!single.Contains(register))
        {
            current[register] = value;
            return;
        }
        // What a register of several definitions holds may be gone when one of a single definition is read.
        char kind = register.Kind;
        held[register] = IsPassing(values.HolderOf(value))
            ? Result(RegisterFile.MoveOf(kind), register, value, -1, -1, kind)
            : value;
    }

    private bool IsPassing(Operand holder) =>
        holder is Register { IsArray: false } register && register.Number < given && !single.Contains(register);

    /// <summary>Whether a value is still where it was.</summary>
    private bool IsAt(int value) =>
        !IsPassing(values.HolderOf(value))
        || (current.TryGetValue((Register)values.HolderOf(value), out int now) && now == value);
}
