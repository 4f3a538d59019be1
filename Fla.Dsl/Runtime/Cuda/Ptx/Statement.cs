using System.Collections.Immutable;

namespace Fla.Dsl.Runtime.Cuda.Ptx;

/// <summary>
/// One statement in the body of a PTX function. It is immutable: the copies of an unrolled loop share their statements.
/// </summary>
internal abstract class Statement
{
    [ThreadStatic]
    private static List<Register>? collected;

    /// <summary>Every register whose value it may change.</summary>
    public ImmutableArray<Register> Writes { get; protected init; }

    /// <summary>Every register whose value it may depend on, and every local array that it names.</summary>
    public ImmutableArray<Register> Reads { get; protected init; }

    /// <summary>The same of other registers.</summary>
    public abstract Statement Renamed(Renaming names);

    /// <summary>As it stands in the text, without indentation.</summary>
    public abstract override string ToString();

    /// <summary>The names in operands, each once.</summary>
    protected static ImmutableArray<Register> NamesIn(ReadOnlySpan<Operand> operands, Register? last = null)
    {
        var names = collected ??= [];
        names.Clear();
        foreach (var operand in operands) operand.AddNames(names);
        last?.AddNames(names);
        return names.Count switch
        {
            0 => [],
            1 => names[0].Alone,
            _ => [.. names],
        };
    }
}

/// <summary>Other names for those in a statement.</summary>
/// <param name="Written">For a register that it may change.</param>
/// <param name="Read">For one that it only reads.</param>
/// <param name="Place">For one that is an address: a register and an offset, if that is known.</param>
internal sealed record Renaming(
    Func<Register, Register> Written, Func<Register, Register> Read, Func<Register, (Register Base, long Offset)?> Place);

/// <summary>What is not looked into: a block in braces, several instructions on a line, a directive between instructions.</summary>
internal sealed class Opaque : Statement
{
    private readonly Phrase text;

    /// <summary>Whatever it names it may read, and change unless all of its instructions are seen to change something else.</summary>
    public Opaque(string text, RegisterFile registers)
    {
        this.text = new Phrase(text, registers);
        Reads = NamesIn([this.text]);
        Writes = text.StartsWith('{') && text.EndsWith('}') ? Written(text, registers) ?? Reads : Reads;
    }

    private Opaque(Phrase text, ImmutableArray<Register> writes) => (this.text, Reads, Writes) = (text, NamesIn([text]), writes);

    /// <summary>What the instructions in braces write of what they do not declare themselves; null if that cannot be told.</summary>
    private static ImmutableArray<Register>? Written(string text, RegisterFile registers)
    {
        List<Operand> written = [];
        const StringSplitOptions options = StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries;
        foreach (string part in text[1..^1].Split(';', options))
        {
            if (part.StartsWith(".reg ", StringComparison.Ordinal)) continue;
            string instruction = part.StartsWith('@') ? part[(part.IndexOf(' ') + 1)..].TrimStart() : part;
            int first = instruction.IndexOf(' ');
            if (first < 0 || !char.IsAsciiLetter(instruction[0]) || instruction.Contains(':')) return null;
            string operands = instruction[first..].TrimStart();
            int end = operands.IndexOf(operands[0] == '{' ? '}' : ',');
            if (operands[0] != '[') written.Add(new Phrase(end < 0 ? operands : operands[..end], registers));
        }
        return NamesIn([.. written]);
    }

    /// <inheritdoc/>
    public override Statement Renamed(Renaming names) => new Opaque(
        text.Renamed(name => Writes.Contains(name) ? names.Written(name) : names.Read(name)), [.. Writes.Select(names.Written)]);

    /// <inheritdoc/>
    public override string ToString() => text.ToString();
}
