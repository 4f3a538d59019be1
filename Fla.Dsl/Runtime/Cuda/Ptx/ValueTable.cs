using System.Globalization;

namespace Fla.Dsl.Runtime.Cuda.Ptx;

/// <summary>The values of a function by number: what holds each, what each was computed from, and where.</summary>
/// <param name="dominates">Whether every way to a block leads through another.</param>
internal sealed class ValueTable(Func<int, int, bool> dominates)
{
    /// <summary>Below it an offset fits into every instruction that takes an address.</summary>
    public const long MostOffset = 1 << 22;

    // Registers of the device that are the same throughout a kernel.
    private static readonly string[] Fixed = ["%tid.", "%ntid.", "%ctaid.", "%nctaid.", "%laneid", "%warpid"];

    private readonly List<string> holders = [];
    private readonly Dictionary<int, long> numbers = [];
    private readonly Dictionary<long, int> constants = [];
    private readonly Dictionary<string, int> literals = [];
    private readonly Dictionary<int, (int From, long Offset)> sums = [];
    private readonly HashSet<int> natural = [];
    private readonly Dictionary<(int From, long Offset), (int Value, int Block)> bySum = [];
    private readonly Dictionary<(string Opcode, int A, int B, int C), (int Value, int Block)> computed = [];

    /// <summary>Whether an operand that is no register and no number is the same wherever it is read.</summary>
    public static bool IsFixed(string operand) => Fixed.Any(name => operand.StartsWith(name, StringComparison.Ordinal));

    /// <summary>A value of its own.</summary>
    public int New(string holder)
    {
        holders.Add(holder);
        return holders.Count - 1;
    }

    /// <summary>A number.</summary>
    public int Constant(long number)
    {
        if (constants.TryGetValue(number, out int value)) return value;
        value = New(number.ToString(CultureInfo.InvariantCulture));
        numbers[value] = number;
        return constants[number] = value;
    }

    /// <summary>An operand that is no register.</summary>
    public int Literal(string operand)
    {
        if (long.TryParse(operand, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number)) return Constant(number);
        if (literals.TryGetValue(operand, out int value)) return value;
        return literals[operand] = New(operand);
    }

    /// <summary>A register, or a number.</summary>
    public string HolderOf(int value) => holders[value];

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
    public int? Find(string opcode, int a, int b, int c, int block) =>
        Available(computed.GetValueOrDefault(Key(opcode, a, b, c), (-1, 0)), block);

    public void Add(string opcode, int a, int b, int c, int block, int value) => computed[Key(opcode, a, b, c)] = (value, block);

    /// <summary>
    /// An instruction as another one of values, plus a number; no opcode where that is of the first value alone. Sums wrap around, and so
    /// do their products with a number: what holds for whole numbers holds for them.
    /// </summary>
    public (string? Opcode, int A, int B, long Offset)? Split(Instruction instruction, int a, int b)
    {
        if (instruction.Operands.Count != 3 || instruction.Type is not ("s32" or "u32" or "b32" or "s64" or "u64" or "b64")) return null;
        bool wide = instruction.Type.EndsWith("64", StringComparison.Ordinal);
        var (x, y) = (Parts(a), Parts(b));
        string type = wide ? "s64" : "s32";
        switch (instruction.Root, instruction.Modifiers)
        {
            case ("add", "") when NumberOf(a) is { } number: return (null, y.From, -1, Wrap(y.Offset + number));
            case ("add", "") when NumberOf(b) is { } number: return (null, x.From, -1, Wrap(x.Offset + number));
            case ("sub", "") when NumberOf(b) is { } number: return (null, x.From, -1, Wrap(x.Offset - number));
            case ("add", ""): return ($"add.{type}", x.From, y.From, Wrap(x.Offset + y.Offset));
            case ("sub", "") when NumberOf(a) is null: return ($"sub.{type}", x.From, y.From, Wrap(x.Offset - y.Offset));
            case ("mul", "lo") when NumberOf(a) is { } number: return Product(y, number);
            case ("mul", "lo") when NumberOf(b) is { } number: return Product(x, number);
            case ("shl", "") when NumberOf(b) is >= 0 and < 31 and { } bits: return Product(x, 1L << (int)bits);
            default: return null;
        }

        (string?, int, int, long)? Product((int From, long Offset) of, long number) => number switch
        {
            1 => (null, of.From, -1, of.Offset),
            0 => null,
            _ => ($"mul.lo.{type}", of.From, Constant(number), Wrap(of.Offset * number)),
        };

        long Wrap(long number) => wide ? number : (int)number;
    }

    /// <summary>The shift or mask that divides what is not negative by a power of two; null for all else.</summary>
    public (string Opcode, int By)? Cheaper(Instruction instruction, int a, int b)
    {
        if (instruction.Root is not ("div" or "rem") || NumberOf(b) is not { } number || number <= 0 || !long.IsPow2(number)) return null;
        bool known = instruction.Type == "u32" || (instruction.Type == "s32" && natural.Contains(a));
        if (!known || instruction.Modifiers.Length > 0) return null;
        return instruction.Root == "rem" ? ("and.b32", Constant(number - 1)) : ("shr.u32", Constant(long.Log2(number)));
    }

    /// <summary>Remembers of a value whether, as a signed number, it cannot be negative.</summary>
    public void Learn(int value, Instruction instruction, int a, int b)
    {
        bool not = instruction switch
        {
            { Root: "mov", Type: "u32" or "b32" or "s32" } => IsFixed(HolderOf(a)),
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

    private static (string, int, int, int) Key(string opcode, int a, int b, int c)
    {
        bool either = c < 0 && b >= 0 && a > b
            && (opcode.StartsWith("add.", StringComparison.Ordinal) || opcode.StartsWith("mul.", StringComparison.Ordinal)
                || opcode.StartsWith("and.", StringComparison.Ordinal) || opcode.StartsWith("or.", StringComparison.Ordinal));
        return either ? (opcode, b, a, c) : (opcode, a, b, c);
    }
}
