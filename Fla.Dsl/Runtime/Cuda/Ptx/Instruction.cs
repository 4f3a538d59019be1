using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Fla.Dsl.Runtime.Cuda.Ptx;

/// <summary>One instruction: <c>@guard root.modifiers.type operands;</c></summary>
internal sealed class Instruction : Statement
{
    // What gives nothing but its first operand, from all the others.
    private static readonly HashSet<string> Functions =
    [
        "mov", "ld", "cvt", "setp", "selp", "add", "sub", "mul", "mad", "fma", "neg", "abs", "min", "max", "div", "rem",
        "and", "or", "xor", "not", "shl", "shr", "rcp", "sqrt", "rsqrt", "sin", "cos", "lg2", "ex2", "tanh", "mma", "ldmatrix",
    ];

    private bool isPlaceKnown;
    private int placeAt;
    private (string Base, long Offset)? place;

    /// <param name="guard">The predicate, <c>%p1</c> or <c>!%p1</c>, on which it is carried out; null if always.</param>
    /// <param name="opcode">For example <c>mul.wide.u32</c>.</param>
    /// <param name="operands">In the order of the text, the destination first; vectors keep their braces, addresses their brackets.</param>
    [SetsRequiredMembers]
    public Instruction(string? guard, string opcode, IReadOnlyList<string> operands)
        : this(guard, opcode, Parts(opcode), operands)
    {
    }

    [SetsRequiredMembers]
    private Instruction(string? guard, string opcode, (string Root, string Modifiers, string Type) parts, IReadOnlyList<string> operands)
    {
        Guard = guard;
        Opcode = opcode;
        Operands = operands;
        (Root, Modifiers, Type) = parts;

        // An address in brackets is read even where it says where the result goes.
        bool writes = operands.Count > 0 && !operands[0].StartsWith('[');
        List<string> written = [], read = [];
        if (writes) AddNames(operands[0], written);
        Overwrites = writes && guard is null && Functions.Contains(Root);
        for (int i = Overwrites ? 1 : 0; i < operands.Count; i++) AddNames(operands[i], read);
        if (guard is not null) AddNames(guard, read);
        (Writes, Reads) = ([.. written], [.. read]);
    }

    public string? Guard { get; }

    public string Opcode { get; }

    public IReadOnlyList<string> Operands { get; }

    /// <summary>The opcode's first word.</summary>
    public string Root { get; }

    /// <summary>What stands between <see cref="Root"/> and <see cref="Type"/>.</summary>
    public string Modifiers { get; }

    /// <summary>The opcode's last word.</summary>
    public string Type { get; }

    /// <summary>Whether nothing of the old values of <see cref="Statement.Writes"/> is left after it.</summary>
    public bool Overwrites { get; }

    /// <inheritdoc/>
    public override Statement Renamed(
        Func<string, string> written, Func<string, string> read, Func<string, (string Base, long Offset)?> address)
    {
        string? guard = Guard is null ? null : Guard[0] == '!' ? "!" + read(Guard[1..]) : read(Guard);
        string[] operands = new string[Operands.Count];
        for (int i = 0; i < operands.Length; i++)
        {
            string operand = Operands[i];
            operands[i] = Place(i) is { } sum && address(sum.Base) is { } parts
                ? string.Create(CultureInfo.InvariantCulture, $"[{parts.Base}+{parts.Offset + sum.Offset}]")
                : Replaced(operand, i == 0 || !Overwrites ? written : read);
        }
        return With(guard, operands);
    }

    /// <summary>The same instruction of other operands.</summary>
    public Instruction With(string? guard, IReadOnlyList<string> operands) => new(guard, Opcode, (Root, Modifiers, Type), operands);

    /// <summary>What an operand in brackets is, a base and an offset; null for any other operand.</summary>
    public (string Base, long Offset)? Place(int operand)
    {
        // The copies of a loop ask for the same again and again.
        if (!isPlaceKnown)
        {
            int at = 0;
            while (at < Operands.Count && !Operands[at].StartsWith('[')) at++;
            (placeAt, place, isPlaceKnown) = (at, at < Operands.Count ? Parse(Operands[at]) : null, true);
        }
        return operand == placeAt ? place : operand < Operands.Count ? Parse(Operands[operand]) : null;
    }

    private static (string Root, string Modifiers, string Type) Parts(string opcode)
    {
        int first = opcode.IndexOf('.'), last = opcode.LastIndexOf('.');
        if (first < 0) return (opcode, "", "");
        return (opcode[..first], first < last ? opcode[(first + 1)..last] : "", opcode[(last + 1)..]);
    }

    private static (string Base, long Offset)? Parse(string operand)
    {
        if (!operand.StartsWith('[') || !operand.EndsWith(']')) return null;
        int plus = operand.IndexOf('+');
        if (plus < 0) return (operand[1..^1].Trim(), 0);
        bool known = long.TryParse(operand.AsSpan(plus + 1)[..^1], CultureInfo.InvariantCulture, out long offset);
        return known ? (operand[1..plus].Trim(), offset) : null;
    }

    /// <inheritdoc/>
    public override string ToString() =>
        $"{(Guard is null ? "" : $"@{Guard} ")}{Opcode}{(Operands.Count == 0 ? "" : "\t" + string.Join(", ", Operands))};";
}
