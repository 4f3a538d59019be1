using System.Globalization;

namespace Fla.Dsl.Runtime.Cuda.Ptx;

/// <summary>
/// The registers and local arrays of a function, of which there may be more. No register has a type but its size: any instruction of
/// that size takes it.
/// </summary>
internal sealed class RegisterFile
{
    /// <summary>The kind of registers that are true or false.</summary>
    public const char Predicate = 'p';

    private static readonly (char Kind, string Type)[] Kinds = [(Predicate, "pred"), ('h', "b16"), ('r', "b32"), ('d', "b64")];

    private readonly List<Declaration> declarations = [];
    private readonly Dictionary<string, Register> names = []; // that are in the text
    private readonly Dictionary<string, char> families = [];

    // ILGPU names none so; those that there are from before are no different from others.
    private readonly Dictionary<char, Declaration> own = [];
    private string prefix = "%v";

    /// <summary>A line; of a family of registers, which are counted, what stands before and behind their count.</summary>
    private sealed record Declaration(string Text, string? End = null)
    {
        public int Count { get; set; }

        public override string ToString() => End is null ? Text : string.Create(CultureInfo.InvariantCulture, $"{Text}{Count}{End}");
    }

    /// <summary>How many names there are: each has a number below.</summary>
    public int Count { get; private set; }

    /// <summary>The lines that declare registers, and whatever else but arrays.</summary>
    public IEnumerable<string> Declarations => declarations.Select(declaration => declaration.ToString());

    /// <summary>Takes over a line that declares registers, or anything else.</summary>
    public void Declare(string line)
    {
        string[] words = line.TrimEnd(';').Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
        if (words is not [".reg", var type, var name] || KindOf(type.TrimStart('.')) is var kind && kind == '\0')
        {
            declarations.Add(new(line));
            return;
        }
        int family = name.IndexOf('<');
        if (family < 0)
        {
            Declare(name, kind);
            return;
        }
        declarations.Add(new($".reg .{TypeOf(kind)}\t{name};"));
        families[name[..family]] = kind;
        Avoid(name);
    }

    /// <summary>A register of a name that there has not been.</summary>
    public Register Declare(string name, char kind)
    {
        declarations.Add(new($".reg .{TypeOf(kind)}\t{name};"));
        Avoid(name);
        return Add(name, kind);
    }

    /// <summary>A local array of a name that there has not been.</summary>
    public Register Array(string name) => Add(name, '\0');

    /// <summary>The register or array of a name in the text; null for any other.</summary>
    public Register? Find(string name)
    {
        if (names.TryGetValue(name, out var known)) return known;
        if (name.Length < 2 || name[0] != '%') return null;
        int end = name.Length;
        while (end > 1 && char.IsAsciiDigit(name[end - 1])) end--;
        return end < name.Length && families.TryGetValue(name[..end], out char kind) ? Add(name, kind) : null;
    }

    /// <summary>A register that there has not been.</summary>
    public Register New(char kind)
    {
        if (!own.TryGetValue(kind, out var family))
        {
            own[kind] = family = new($".reg .{TypeOf(kind)}\t{prefix}{kind}<", ">;");
            declarations.Add(family);
        }
        return new(string.Create(CultureInfo.InvariantCulture, $"{prefix}{kind}{family.Count++}"), kind, Count++);
    }

    /// <summary>Takes those that there are for given: new ones have other names.</summary>
    public void Settle()
    {
        if (own.Count > 0) prefix += "v";
        own.Clear();
    }

    /// <summary>The kind of registers of a type; none of a type that registers do not have.</summary>
    public static char KindOf(string type) => type switch
    {
        "pred" => Predicate,
        "b16" or "u16" or "s16" or "f16" => 'h',
        "b32" or "u32" or "s32" or "f32" => 'r',
        "b64" or "u64" or "s64" or "f64" => 'd',
        _ => '\0',
    };

    /// <summary>The instruction that copies a register of a kind.</summary>
    public static Opcode MoveOf(char kind) => Opcode.Of($"mov.{TypeOf(kind)}");

    private static string TypeOf(char kind) => Kinds.First(pair => pair.Kind == kind).Type;

    private Register Add(string name, char kind) => names[name] = new(name, kind, Count++);

    private void Avoid(string name)
    {
        while (name.StartsWith(prefix, StringComparison.Ordinal)) prefix += "v";
    }
}
