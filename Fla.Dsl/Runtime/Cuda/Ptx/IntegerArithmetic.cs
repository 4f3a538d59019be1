namespace Fla.Dsl.Runtime.Cuda.Ptx;

/// <summary>The integer instructions of PTX, carried out on what is known.</summary>
internal static class IntegerArithmetic
{
    /// <summary>The value that an instruction gives its destination; null if it is not known, or is no integer.</summary>
    public static Value? Evaluate(Instruction instruction, Facts facts)
    {
        if (instruction.Guard is not null || instruction.Operands.Length < 2) return null;
        var operands = instruction.Operands;
        if (facts.Of(operands[1]) is not { } x) return null;
        if (operands.Length == 2)
        {
            if (instruction is { Root: "mov", Modifiers: "" }) return IsInteger(instruction.Type) ? x : null;
            return x.Array is null ? One(instruction, x.Number) : null;
        }
        if (facts.Of(operands[2]) is not { } y) return null;
        if (operands.Length == 3)
            return x.Array is null && y.Array is null ? Two(instruction, x.Number, y.Number) : Address(instruction, x, y);
        if (operands.Length > 4 || facts.Of(operands[3]) is not { Array: null } z) return null;
        if (instruction is { Root: "selp", Modifiers: "" }) return IsInteger(instruction.Type) ? z.Number != 0 ? x : y : null;
        if (instruction.Root != "mad" || x.Array is not null || y.Array is not null) return null;
        return Multiply(instruction, x.Number, y.Number) is { } product
            ? Number(instruction.Modifiers == "wide" ? 64 : Bits(instruction.Type), product + z.Number)
            : null;
    }

    /// <summary>Whether a type is of whole numbers that it computes with.</summary>
    public static bool IsInteger(string type) => Bits(type) != 0;

    private static Value? Address(Instruction instruction, Value x, Value y) => (instruction.Root, instruction.Modifiers) switch
    {
        _ when Bits(instruction.Type) != 64 => null,
        ("add", "") when x.Array is null || y.Array is null => new Value(x.Array ?? y.Array, x.Number + y.Number),
        ("sub", "") when y.Array is null => new Value(x.Array, x.Number - y.Number),
        _ => null,
    };

    private static Value? One(Instruction instruction, long x) => (instruction.Root, instruction.Modifiers, instruction.Type) switch
    {
        ("cvt", var to, var from) when IsInteger(to) && IsInteger(from) => Number(Bits(to), Read(from, x)),
        ("neg", "", "s32" or "s64") => Number(Bits(instruction.Type), -x),
        ("not", "", "b32" or "b64") => Number(Bits(instruction.Type), ~x),
        ("not", "", "pred") => new Value(null, 1 - x),
        _ => null,
    };

    private static Value? Two(Instruction instruction, long x, long y)
    {
        string type = instruction.Type;
        if (instruction.Root == "setp") return Compare(instruction.Modifiers, type, x, y);
        if (type == "pred") return Logic(instruction.Root, x, y) is { } logic ? new Value(null, logic) : null;
        int bits = Bits(type);
        if (bits == 0) return null;
        bool signed = type[0] == 's';
        (x, y) = instruction.Root is "shl" or "shr" ? (Read(type, x), (uint)y) : (Read(type, x), Read(type, y));
        bool unsigned64 = bits == 64 && !signed;
        return (instruction.Root, instruction.Modifiers) switch
        {
            ("add", "") => Number(bits, x + y),
            ("sub", "") => Number(bits, x - y),
            ("mul", "lo") => Number(bits, x * y),
            ("mul", "wide") => Multiply(instruction, x, y) is { } product ? Number(64, product) : null,
            // -1 has no quotient for the least number; and what lies past the range of long is left alone.
            ("div", "") when y != 0 && y != -1 && !unsigned64 => Number(bits, x / y),
            ("rem", "") when y != 0 && y != -1 && !unsigned64 => Number(bits, x % y),
            ("min", "") when !unsigned64 => Number(bits, Math.Min(x, y)),
            ("max", "") when !unsigned64 => Number(bits, Math.Max(x, y)),
            // What is shifted out altogether leaves nothing, or nothing but the sign.
            ("shl", "") => Number(bits, y < bits ? x << (int)y : 0),
            ("shr", "") when signed => Number(bits, x >> (int)Math.Min(y, bits - 1)),
            ("shr", "") => Number(bits, y < bits ? (long)((ulong)x >> (int)y) : 0),
            (var root, "") when Logic(root, x, y) is { } logic => Number(bits, logic),
            _ => null,
        };
    }

    private static long? Logic(string root, long x, long y) => root switch
    {
        "and" => x & y,
        "or" => x | y,
        "xor" => x ^ y,
        _ => null,
    };

    private static long? Multiply(Instruction instruction, long x, long y) => (instruction.Modifiers, Bits(instruction.Type)) switch
    {
        ("lo", 32 or 64) or ("wide", 32) => Read(instruction.Type, x) * Read(instruction.Type, y),
        _ => null,
    };

    private static Value? Compare(string comparison, string type, long x, long y)
    {
        if (!IsInteger(type)) return null;
        (x, y) = (Read(type, x), Read(type, y));
        int order = type is "u64" ? ((ulong)x).CompareTo((ulong)y) : x.CompareTo(y);
        bool? holds = comparison switch
        {
            "eq" => order == 0,
            "ne" => order != 0,
            "lt" or "lo" => order < 0,
            "le" or "ls" => order <= 0,
            "gt" or "hi" => order > 0,
            "ge" or "hs" => order >= 0,
            _ => null,
        };
        return holds is { } known ? new Value(null, known ? 1 : 0) : null;
    }

    private static int Bits(string type) => type switch
    {
        "s32" or "u32" or "b32" => 32,
        "s64" or "u64" or "b64" => 64,
        _ => 0,
    };

    // An operand of an instruction, in the range of its type.
    private static long Read(string type, long value) => type switch
    {
        "s32" => (int)value,
        "u32" or "b32" => (uint)value,
        _ => value,
    };

    private static Value Number(int bits, long value) => new(null, bits == 32 ? (int)value : value);
}
