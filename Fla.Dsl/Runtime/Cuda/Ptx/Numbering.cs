using System.Globalization;

namespace Fla.Dsl.Runtime.Cuda.Ptx;

/// <summary>
/// Computes nothing twice: gives every value a number, the same to what is computed in the same way from the same values, and what
/// has a number already, on every way that leads there, is not computed again. Constants are folded, copies are followed to their
/// sources, and sums with constants are kept as such, so that addresses with one base become that base and an offset in the
/// instruction. The greater part of a written-out loop goes this way; the driver's compiler finds less of it, and takes its time.
/// </summary>
internal sealed class Numbering
{
    private static readonly HashSet<string> TakeLiterals =
        ["setp", "selp", "add", "sub", "mul", "mad", "min", "max", "div", "rem", "and", "or", "xor", "shl", "shr"];

    private readonly ControlFlow flow;
    private readonly IReadOnlyList<Block> order;
    private readonly Dominance dominance;
    private readonly Liveness liveness;
    private readonly ILookup<int, int> predecessors;
    private readonly RegisterFile registers;
    private readonly ValueTable values;
    private readonly Computations computations;

    // What registers hold: those with one definition, which all their readers come after, anywhere; others in the block at hand.
    private readonly HashSet<string> single;
    private readonly Dictionary<string, int> held = [];
    private readonly Dictionary<int, Dictionary<string, int>> atEnd = [];
    private Dictionary<string, int> current = [];
    private readonly List<Statement> written = [];
    private readonly Facts facts = [];
    private int block;

    private Numbering(PtxFunction function)
    {
        flow = Joining.Run(function.Flow);
        order = flow.ReversePostorder();
        dominance = new Dominance(order);
        liveness = new Liveness(flow);
        predecessors = flow.Predecessors();
        registers = new RegisterFile(function.Declarations);
        values = new ValueTable((earlier, later) => dominance.Dominates(earlier, later));
        computations = new Computations(registers, values);
        single = Definitions.Single(order, dominance);
    }

    /// <summary>Whether an instruction takes numbers where it takes registers with numbers.</summary>
    public static bool TakesLiterals(Instruction instruction) => TakesLiterals(instruction.Root, instruction.Type);

    public static PtxFunction Run(PtxFunction function)
    {
        var numbering = new Numbering(function);
        Block[] blocks = [.. numbering.order.Select(numbering.Rewrite)];
        return function with { Declarations = numbering.registers.Declarations, Flow = new ControlFlow(blocks) };
    }

    private static bool TakesLiterals(string root, string type) =>
        root == "mov" || (TakeLiterals.Contains(root) && RegisterFile.IsInteger(type));

    private Block Rewrite(Block source)
    {
        block = source.Id;
        int[] before = [.. predecessors[block]];
        current = before.Length == 1 && block != flow.Entry.Id ? new(atEnd[before[0]]) : [];
        written.Clear();
        foreach (var statement in source.Statements)
        {
            if (computations.Of(statement) is { } computation) Compute((Instruction)statement, computation);
            else Keep(statement);
        }
        var branch = source.Branch is { } jump
            ? jump with { Guard = (jump.Guard[0] == '!' ? "!" : "") + Register(ValueOf(jump.Predicate), jump.Predicate) }
            : null;
        branch = End(source, branch);
        return source with { Statements = [.. written], Branch = branch };
    }

    /// <summary>An instruction that does nothing but give a register a value.</summary>
    private void Compute(Instruction instruction, Computation computation)
    {
        string to = instruction.Operands[0];
        int a = ValueOf(computation.A), b = ValueOf(computation.B), c = ValueOf(computation.C);
        if (computation.A.Register is not null && instruction is { Root: "mov", Modifiers: "" })
        {
            Set(to, a);
            return;
        }
        if (Fold(instruction, a, b, c) is { } known)
        {
            Set(to, known);
            return;
        }
        if (values.Split(instruction, a, b) is { } sum && IsAt(sum.A) && (sum.B < 0 || IsAt(sum.B)))
        {
            int from = sum.Opcode is null ? sum.A : Result(sum.Opcode, null, sum.A, sum.B, -1, computation.Kind);
            Set(to, sum.Offset == 0 ? from : Sum(from, sum.Offset, instruction.Type, to));
            return;
        }
        var (opcode, by) = values.Cheaper(instruction, a, b) ?? (instruction.Opcode, b);
        int result = Result(opcode, to, a, by, c, computation.Kind);
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
            return chosen is { } one && registers.IsHolder(values.HolderOf(one)) ? one : null;
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
        for (int i = 1; i < instruction.Operands.Count; i++)
            facts[instruction.Operands[i]] = new Value(null, values.NumberOf(i == 1 ? a : i == 2 ? b : c)!.Value);
        return IntegerArithmetic.Evaluate(instruction, facts) is { Depot: null } value ? values.Constant(value.Number) : null;
    }

    private bool IsNumber(int value) => value < 0 || values.NumberOf(value) is not null;

    /// <summary>The value of base + offset.</summary>
    private int Sum(int from, long offset, string type, string? to)
    {
        if (values.FindSum(from, offset, block) is { } known) return known;
        int literal = values.Constant(offset);
        string opcode = type.EndsWith("64", StringComparison.Ordinal) ? "add.s64" : "add.s32";
        int sum = Emit(opcode, to, from, literal, -1, registers.KindOf(type));
        values.AddSum(sum, from, offset, block);
        return sum;
    }

    private int Result(string opcode, string? to, int a, int b, int c, char kind)
    {
        if (values.Find(opcode, a, b, c, block) is { } known) return known;
        int result = Emit(opcode, to, a, b, c, kind);
        values.Add(opcode, a, b, c, block, result);
        return result;
    }

    private int Emit(string opcode, string? to, int a, int b, int c, char kind)
    {
        bool literals = TakesLiterals(opcode[..opcode.IndexOf('.')], opcode[(opcode.LastIndexOf('.') + 1)..]);
        List<string> operands = new(4) { "" };
        foreach (int operand in (ReadOnlySpan<int>)[a, b, c])
        {
            if (operand < 0) continue;
            operands.Add(literals ? values.HolderOf(operand) : Register(operand, registers.KindFor(opcode, operands.Count)));
        }
        string holder = to is not null && single.Contains(to) ? to : registers.New(kind);
        operands[0] = holder;
        written.Add(new Instruction(null, opcode, operands));
        return values.New(holder);
    }

    /// <summary>A statement that stays, its registers named anew.</summary>
    private void Keep(Statement statement)
    {
        bool overwrites = statement is Instruction { Overwrites: true };
        Dictionary<string, string> names = [];
        foreach (string register in statement.Writes)
        {
            if (!registers.Has(register)) continue;
            string to = overwrites && single.Contains(register) ? register : registers.New(registers.KindOf(register));
            // What may not be overwritten, or not altogether, is what it was.
            if (!overwrites) written.Add(Move(to, ValueOf(register), registers.KindOf(register)));
            names[register] = to;
        }
        written.Add(statement.Renamed(
            register => names.TryGetValue(register, out string? to) ? to : Source(register),
            Source,
            Address));
        foreach (var (register, to) in names) Set(register, values.New(to));
    }

    private string Source(string register) => registers.Has(register) ? Register(ValueOf(register), register) : register;

    /// <summary>An address, as a base and an offset.</summary>
    private (string Base, long Offset)? Address(string register)
    {
        if (!registers.Has(register)) return null;
        int value = ValueOf(register);
        if (values.NumberOf(value) is not null || values.SumOf(value) is not { } sum || !IsAt(sum.From)) return null;
        return Math.Abs(sum.Offset) < ValueTable.MostOffset && registers.IsHolder(values.HolderOf(sum.From))
            ? (values.HolderOf(sum.From), sum.Offset)
            : null;
    }

    /// <summary>Puts what the blocks that follow read of other registers into these, all at once.</summary>
    private Branch? End(Block source, Branch? branch)
    {
        List<(string To, int Value)> moves = [];
        foreach (var (register, value) in current)
            if (values.HolderOf(value) != register && source.Successors.Any(next => liveness.IsLive(register, next)))
                moves.Add((register, value));
        HashSet<string> overwritten = [.. moves.Select(move => move.To)];
        Dictionary<string, string> saved = [];
        foreach (string holder in moves.Select(move => values.HolderOf(move.Value)).Append(branch?.Predicate ?? "").Distinct())
            if (overwritten.Contains(holder))
            {
                char kind = registers.KindOf(holder);
                saved[holder] = registers.New(kind);
                written.Add(new Instruction(null, MoveOf(kind), [saved[holder], holder]));
            }
        foreach (var (to, value) in moves)
            written.Add(saved.TryGetValue(values.HolderOf(value), out string? kept)
                ? new Instruction(null, MoveOf(registers.KindOf(to)), [to, kept])
                : Move(to, value, registers.KindOf(to)));

        Dictionary<string, int> after = [];
        foreach (var (register, value) in current)
        {
            // One home is enough for what no address hangs on.
            bool moved = overwritten.Contains(register) && values.NumberOf(value) is null && values.SumOf(value) is null;
            if (!moved && !overwritten.Contains(values.HolderOf(value))) after[register] = value;
            else if (overwritten.Contains(register)) after[register] = values.New(register);
        }
        atEnd[block] = after;
        if (branch is null || !saved.TryGetValue(branch.Predicate, out string? predicate)) return branch;
        return branch with { Guard = branch.Guard[0] == '!' ? "!" + predicate : predicate };
    }

    private Instruction Move(string to, int value, char kind) =>
        kind == RegisterFile.Predicate && values.NumberOf(value) is { } number
            ? new Instruction(null, "setp.ne.s32", [to, number.ToString(CultureInfo.InvariantCulture), "0"])
            : new Instruction(null, MoveOf(kind), [to, values.HolderOf(value)]);

    private static string MoveOf(char kind) => RegisterFile.MoveOf(kind);

    // A register that holds the value: a number is put into one.
    private string Register(int value, string like) => Register(value, registers.KindOf(like));

    private string Register(int value, char kind)
    {
        if (registers.IsHolder(values.HolderOf(value))) return values.HolderOf(value);
        if (values.Find(MoveOf(kind), value, -1, -1, block) is { } known) return values.HolderOf(known);
        string holder = registers.New(kind);
        written.Add(Move(holder, value, kind));
        values.Add(MoveOf(kind), value, -1, -1, block, values.New(holder));
        return holder;
    }

    private int ValueOf(Operand operand) => operand.Register is { } register ? ValueOf(register) : operand.Value;

    private int ValueOf(string register)
    {
        var known = single.Contains(register) ? held : current;
        if (!known.TryGetValue(register, out int value)) known[register] = value = values.New(register);
        return value;
    }

    private void Set(string register, int value)
    {
        if (!single.Contains(register))
        {
            current[register] = value;
            return;
        }
        // What a register of several definitions holds may be gone when one of a single definition is read.
        char kind = registers.KindOf(register);
        held[register] = IsPassing(values.HolderOf(value)) ? Result(MoveOf(kind), register, value, -1, -1, kind) : value;
    }

    private bool IsPassing(string holder) => registers.Has(holder) && !registers.IsNew(holder) && !single.Contains(holder);

    /// <summary>Whether a value is still where it was.</summary>
    private bool IsAt(int value)
    {
        string holder = values.HolderOf(value);
        return !IsPassing(holder) || (current.TryGetValue(holder, out int now) && now == value);
    }
}
