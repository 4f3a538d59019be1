using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Fla.Dsl.Runtime.Cuda.Ptx;

/// <summary>What an instruction takes or gives.</summary>
internal abstract class Operand
{
    /// <summary>Whether it stands in brackets, for a place in memory.</summary>
    public virtual bool IsPlace => false;

    /// <summary>Adds the registers and the local arrays that it names, in its order, each once.</summary>
    public abstract void AddNames(List<Register> names);

    /// <summary>The same of other registers.</summary>
    public abstract Operand Renamed(Func<Register, Register> name);

    /// <summary>As it stands in the text.</summary>
    public abstract override string ToString();

    /// <summary>Reads an operand of a function with the given registers.</summary>
    public static Operand Parse(string text, RegisterFile registers)
    {
        if (registers.Find(text) is { } register) return register;
        Operand? grouped = text switch
        {
            ['[', .., ']'] => Address.TryParse(text, registers),
            ['{', .., '}'] => Vector.TryParse(text, registers),
            _ => null,
        };
        if (grouped is not null) return grouped;
        var phrase = new Phrase(text, registers);
        return phrase.HasNames || text[0] is '[' or '{' or '(' ? phrase : new Literal(text);
    }
}

/// <summary>
/// A register; or a local array, which is named where its address is taken. For each name in a function there is one object.
/// </summary>
/// <param name="name">With its percent sign.</param>
/// <param name="kind">A register's size, as <see cref="RegisterFile"/> has it; none of an array.</param>
/// <param name="number">Counts the names of a function.</param>
internal sealed class Register(string name, char kind, int number) : Operand
{
    private ImmutableArray<Register> alone;

    public char Kind => kind;

    public int Number => number;

    public bool IsArray => kind == '\0';

    /// <summary>It, and no other.</summary>
    public ImmutableArray<Register> Alone => alone.IsDefault ? alone = [this] : alone;

    /// <inheritdoc/>
    public override void AddNames(List<Register> names)
    {
        if (!names.Contains(this)) names.Add(this);
    }

    /// <inheritdoc/>
    public override Operand Renamed(Func<Register, Register> name) => name(this);

    /// <inheritdoc/>
    public override int GetHashCode() => number;

    /// <inheritdoc/>
    public override string ToString() => name;
}

/// <summary>A number, or anything else that is no register and has none in it.</summary>
internal sealed class Literal : Operand, IEquatable<Literal>
{
    // Registers of the device that are the same throughout a kernel.
    private static readonly string[] Fixed = ["%tid.", "%ntid.", "%ctaid.", "%nctaid.", "%laneid", "%warpid"];

    private readonly string text;

    public Literal(string text)
    {
        this.text = text;
        IsConstant = !text.StartsWith('%') || Fixed.Any(name => text.StartsWith(name, StringComparison.Ordinal));
        IsOfDevice = IsConstant && text.StartsWith('%');
        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number))
            Value = new Value(null, number);
    }

    public Literal(long number)
        : this(number.ToString(CultureInfo.InvariantCulture))
    {
    }

    /// <summary>The whole number that it is, if it is one.</summary>
    public Value? Value { get; }

    /// <summary>Whether it is the same wherever it is read.</summary>
    public bool IsConstant { get; }

    /// <summary>Whether it is a register of the device, which is the same throughout a kernel: none of these is negative.</summary>
    public bool IsOfDevice { get; }

    /// <inheritdoc/>
    public override void AddNames(List<Register> names)
    {
    }

    /// <inheritdoc/>
    public override Operand Renamed(Func<Register, Register> name) => this;

    /// <inheritdoc/>
    public bool Equals(Literal? other) => other?.text == text;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Literal);

    /// <inheritdoc/>
    public override int GetHashCode() => text.GetHashCode();

    /// <inheritdoc/>
    public override string ToString() => text;
}

/// <summary>A place in memory: <c>[base+offset]</c>.</summary>
internal sealed class Address(Operand start, long offset) : Operand
{
    /// <summary>A register, a local array, or a name outside the function.</summary>
    public Operand Base => start;

    public long Offset => offset;

    /// <inheritdoc/>
    public override bool IsPlace => true;

    /// <summary>Reads an operand in brackets; null where a base is not followed by a number.</summary>
    public static Address? TryParse(string text, RegisterFile registers)
    {
        string inner = text[1..^1];
        int plus = inner.IndexOf('+');
        long offset = 0;
        if (plus >= 0 && !long.TryParse(inner.AsSpan(plus + 1), CultureInfo.InvariantCulture, out offset)) return null;
        string name = (plus < 0 ? inner : inner[..plus]).Trim();
        return Parse(name, registers) is (Register or Literal) and var start ? new Address(start, offset) : null;
    }

    /// <inheritdoc/>
    public override void AddNames(List<Register> names) => start.AddNames(names);

    /// <inheritdoc/>
    public override Operand Renamed(Func<Register, Register> name) => start is Register ? new Address(start.Renamed(name), offset) : this;

    /// <inheritdoc/>
    public override string ToString() => offset == 0 ? $"[{start}]" : string.Create(CultureInfo.InvariantCulture, $"[{start}+{offset}]");
}

/// <summary>Several registers or literals at once: <c>{a, b}</c>.</summary>
internal sealed class Vector(ImmutableArray<Operand> elements) : Operand
{
    public ImmutableArray<Operand> Elements => elements;

    /// <summary>Reads an operand in braces; null where anything else than registers and literals stands in them.</summary>
    public static Vector? TryParse(string text, RegisterFile registers)
    {
        Operand[] elements = [.. text[1..^1].Split(',', StringSplitOptions.TrimEntries).Select(element => Parse(element, registers))];
        return elements.All(element => element is Register or Literal) ? new Vector([.. elements]) : null;
    }

    /// <inheritdoc/>
    public override void AddNames(List<Register> names)
    {
        foreach (var element in elements) element.AddNames(names);
    }

    /// <inheritdoc/>
    public override Operand Renamed(Func<Register, Register> name)
    {
        var renamed = new Operand[elements.Length];
        for (int i = 0; i < renamed.Length; i++) renamed[i] = elements[i].Renamed(name);
        return new Vector(ImmutableCollectionsMarshal.AsImmutableArray(renamed));
    }

    /// <inheritdoc/>
    public override string ToString() => $"{{{string.Join(", ", elements)}}}";
}
