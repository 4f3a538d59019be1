using System.Globalization;

namespace Fla.Dsl.Runtime.Cuda.Ptx;

/// <summary>
/// The registers of a function, of which there may be more. None has a type but its size: any instruction of that size takes it.
/// </summary>
internal sealed class RegisterFile
{
    /// <summary>The kind of registers that are true or false.</summary>
    public const char Predicate = 'p';

    private static readonly (char Kind, string Type)[] Kinds = [(Predicate, "pred"), ('h', "b16"), ('r', "b32"), ('d', "b64")];

    // ILGPU names none so; those that there are from before are no different from others.
    private readonly string own = "%v";
    private readonly List<string> others = [];
    private readonly Dictionary<string, char> families = [];
    private readonly Dictionary<string, char> known = [];
    private readonly Dictionary<char, int> counts = [];

    public RegisterFile(IEnumerable<string> declarations)
    {
        foreach (string declaration in declarations)
        {
            string[] words = declaration.TrimEnd(';').Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
            if (words is not [".reg", var type, var name] || KindOf(type) == '\0')
            {
                others.Add(declaration);
                continue;
            }
            others.Add($".reg .{TypeOf(KindOf(type))}\t{name};");
            while (name.StartsWith(own, StringComparison.Ordinal)) own += "v";
            int family = name.IndexOf('<');
            if (family < 0) known[name] = KindOf(type);
            else families[name[..family]] = KindOf(type);
        }
    }

    /// <summary>What declares them.</summary>
    public IReadOnlyList<string> Declarations =>
    [
        .. others,
        .. counts.Select(pair => string.Create(CultureInfo.InvariantCulture, $".reg .{TypeOf(pair.Key)}\t{own}{pair.Key}<{pair.Value}>;")),
    ];

    /// <summary>A register that there has not been.</summary>
    public string New(char kind)
    {
        int number = counts.GetValueOrDefault(kind);
        counts[kind] = number + 1;
        string name = string.Create(CultureInfo.InvariantCulture, $"{own}{kind}{number}");
        known[name] = kind;
        return name;
    }

    /// <summary>Whether an operand is a register.</summary>
    public bool Has(string operand) => operand.Length > 1 && operand[0] == '%' && Find(operand) != '\0';

    /// <summary>Whether a register is one of <see cref="New"/>.</summary>
    public bool IsNew(string register) => register.StartsWith(own, StringComparison.Ordinal);

    /// <summary>Whether what holds a value is a register, not a number.</summary>
    public bool IsHolder(string holder) => holder[0] == '%' && Has(holder);

    /// <summary>The kind of a register, or of those that an instruction of a type writes.</summary>
    public char KindOf(string registerOrType) => registerOrType.TrimStart('.') switch
    {
        "pred" => Predicate,
        "b16" or "u16" or "s16" or "f16" => 'h',
        "b32" or "u32" or "s32" or "f32" => 'r',
        "b64" or "u64" or "s64" or "f64" => 'd',
        _ => Find(registerOrType),
    };

    /// <summary>The kind of an instruction's operand.</summary>
    public char KindFor(string opcode, int operand)
    {
        string[] words = opcode.Split('.');
        if (words[0] == "selp" && operand == 3) return Predicate;
        if (words[0] is "shl" or "shr" && operand == 2) return 'r';
        return KindOf(words[^1]) is var kind && words[0] == "mad" && words[1] == "wide" && operand == 3 ? 'd' : kind;
    }

    /// <summary>Whether a type is of whole numbers for which a literal may stand.</summary>
    public static bool IsInteger(string type) => type is "b32" or "u32" or "s32" or "b64" or "u64" or "s64";

    /// <summary>The instruction that copies a register of a kind.</summary>
    public static string MoveOf(char kind) => $"mov.{TypeOf(kind)}";

    private static string TypeOf(char kind) => Kinds.First(pair => pair.Kind == kind).Type;

    private char Find(string register)
    {
        if (known.TryGetValue(register, out char kind)) return kind;
        int end = register.Length;
        while (end > 1 && char.IsAsciiDigit(register[end - 1])) end--;
        kind = end < register.Length ? families.GetValueOrDefault(register[..end]) : '\0';
        return known[register] = kind;
    }
}
