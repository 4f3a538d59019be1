namespace Fla.Dsl.Runtime.Cuda.Ptx;

/// <summary>The values of a function by number: what holds each, what each was computed from, and where.</summary>
/// <param name="dominates">Whether every way to a block leads through another.</param>
internal sealed class ValueTable(Func<int, int, bool> dominates)
{
    /// <summary>Below it an offset fits into every instruction that takes an address.</summary>
    public const long MostOffset = 1 << 22;

    private readonly List<Operand> holders = [];
    private readonly Dictionary<int, long> numbers = [];
    private readonly Dictionary<long, int> constants = [];
    private readonly Dictionary<Operand, int> others = [];
    private readonly Dictionary<int, (int From, long Offset)> sums = [];
    private readonly HashSet<int> natural = [];
    private readonly Dictionary<(int From, long Offset), (int Value, int Block)> bySum = [];
    private readonly Dictionary<Computation, (int Value, int Block)> computed = [];

    /// <summary>What an instruction computes from up to three values, which are -1 where there are fewer.</summary>
    private readonly record struct Computation(Opcode Opcode, int A, int B, int C);

    /// <summary>A value of its own.</summary>
    public int New(Operand holder)
    {
        holders.Add(holder);
        return holders.Count - 1;
    }

    /// <summary>A number.</summary>
    public int Constant(long number)
    {
        if (constants.TryGetValue(number, out int value)) return value;
        value = New(new Literal(number));
        numbers[value] = number;
        return constants[number] = value;
    }

    /// <summary>An operand that is the same everywhere: a literal or a local array.</summary>
    public int Fixed(Operand operand)
    {
        if (operand is Literal { Value.Number: var number }) return Constant(number);
        if (others.TryGetValue(operand, out int value)) return value;
        return others[operand] = New(operand);
    }

    /// <summary>What holds a value: a register, or what is the same everywhere.</summary>
    public Operand HolderOf(int value) => holders[value];

    /// <summary>The number that a value is, if it is one.</summary>
    public long? NumberOf(int value) => numbers.TryGetValue(value, out long number) ? number : null;

    /// <summary>What a value is the sum of, if of another and a number.</summary>
    public (int From, long Offset)? SumOf(int value) => sums.TryGetValue(value, out var sum) ? sum : null;

    public int? FindSum(int from, long offset, int block) => Available(bySum.GetValueOrDefault((from, offset), (-1, 0)), block);

    public void AddSum(int value, int from, long offset, int block)
    {
        sums[value] = (from, offset);
        bySum[(from, offset)] = (value, block);
    }

    /// <summary>The value that an instruction gave, where one has given it on every way to a block.</summary>
    public int? Find(Opcode opcode, int a, int b, int c, int block) =>
        Available(computed.GetValueOrDefault(Key(opcode, a, b, c), (-1, 0)), block);

    public void Add(Opcode opcode, int a, int b, int c, int block, int value) => computed[Key(opcode, a, b, c)] = (value, block);

    /// <summary>
    /// An instruction as another one of values, plus a number; no opcode where that is of the first value alone. Sums wrap around, and so
    /// do their products with a number: what holds for whole numbers holds for them.
    /// </summary>
    public (Opcode? Opcode, int A, int B, long Offset)? Split(Instruction instruction, int a, int b)
    {
        if (instruction.Operands.Length != 3 || !IntegerArithmetic.IsInteger(instruction.Type)) return null;
        bool wide = instruction.Type.EndsWith("64", StringComparison.Ordinal);
        var (x, y) = (Parts(a), Parts(b));
        string type = wide ? "s64" : "s32";
        switch (instruction.Root, instruction.Modifiers)
        {
            case ("add", "") when NumberOf(a) is { } number: return (null, y.From, -1, Wrap(y.Offset + number));
            case ("add", "") when NumberOf(b) is { } number: return (null, x.From, -1, Wrap(x.Offset + number));
            case ("sub", "") when NumberOf(b) is { } number: return (null, x.From, -1, Wrap(x.Offset - number));
            case ("add", ""): return (Opcode.Of($"add.{type}"), x.From, y.From, Wrap(x.Offset + y.Offset));
            case ("sub", "") when NumberOf(a) is null: return (Opcode.Of($"sub.{type}"), x.From, y.From, Wrap(x.Offset - y.Offset));
            case ("mul", "lo") when NumberOf(a) is { } number: return Product(y, number);
            case ("mul", "lo") when NumberOf(b) is { } number: return Product(x, number);
            case ("shl", "") when NumberOf(b) is >= 0 and < 31 and { } bits: return Product(x, 1L << (int)bits);
            default: return null;
        }

        (Opcode?, int, int, long)? Product((int From, long Offset) of, long number) => number switch
        {
            1 => (null, of.From, -1, of.Offset),
            0 => null,
            _ => (Opcode.Of($"mul.lo.{type}"), of.From, Constant(number), Wrap(of.Offset * number)),
        };

        long Wrap(long number) => wide ? number : (int)number;
    }

    /// <summary>The shift or mask that divides what is not negative by a power of two; null for all else.</summary>
    public (Opcode Opcode, int By)? Cheaper(Instruction instruction, int a, int b)
    {
        if (instruction.Root is not ("div" or "rem") || NumberOf(b) is not { } number || number <= 0 || !long.IsPow2(number)) return null;
        bool known = instruction.Type == "u32" || (instruction.Type == "s32" && natural.Contains(a));
        if (!known || instruction.Modifiers.Length > 0) return null;
        return instruction.Root == "rem" ? (Opcode.Of("and.b32"), Constant(number - 1)) : (Opcode.Of("shr.u32"), Constant(long.Log2(number)));
    }

    /// <summary>Remembers of a value whether, as a signed number, it cannot be negative.</summary>
    public void Learn(int value, Instruction instruction, int a, int b)
    {
        bool not = instruction switch
        {
            { Root: "mov", Type: "u32" or "b32" or "s32" } => HolderOf(a) is Literal { IsOfDevice: true },
            { Root: "and", Type: "b32" } => NumberOf(a) is >= 0 || NumberOf(b) is >= 0 || natural.Contains(a) || natural.Contains(b),
            { Root: "shr", Type: "u32" or "b32" } => NumberOf(b) is > 0,
            { Root: "shr", Type: "s32" } or { Root: "rem", Type: "s32" } => natural.Contains(a),
            { Root: "div", Type: "s32" } => natural.Contains(a) && NumberOf(b) is > 0,
            _ => false,
        };
        if (not) natural.Add(value);
    }

    private (int From, long Offset) Parts(int value) => sums.TryGetValue(value, out var sum) ? sum : (value, 0);

    private int? Available((int Value, int Block) found, int block) =>
        found.Value >= 0 && dominates(found.Block, block) ? found.Value : null;

    private static Computation Key(Opcode opcode, int a, int b, int c) =>
        c < 0 && b >= 0 && a > b && opcode.Commutes ? new(opcode, b, a, c) : new(opcode, a, b, c);
}
