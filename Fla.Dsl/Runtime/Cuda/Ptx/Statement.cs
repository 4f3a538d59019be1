using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Fla.Dsl.Runtime.Cuda.Ptx;

/// <summary>
/// One statement in the body of a PTX function. It is immutable: the copies of an unrolled loop share their statements.
/// </summary>
internal abstract class Statement
{
    /// <summary>Every register whose value it may change.</summary>
    public required IReadOnlyList<string> Writes { get; init; }

    /// <summary>Every register whose value it may depend on, and every local array that it names.</summary>
    public required IReadOnlyList<string> Reads { get; init; }

    /// <summary>The same of other registers.</summary>
    /// <param name="written">For one that it may change.</param>
    /// <param name="read">For one that it only reads.</param>
    /// <param name="address">For one that is an address, a base and an offset if that is known.</param>
    public abstract Statement Renamed(
        Func<string, string> written, Func<string, string> read, Func<string, (string Base, long Offset)?> address);

    /// <summary>As it stands in the text, without indentation.</summary>
    public abstract override string ToString();

    /// <summary>The registers and the local arrays named in a piece of text, in its order.</summary>
    protected static IEnumerable<string> NamesIn(string text)
    {
        for (int at = 0; at < text.Length;)
        {
            int start = at++;
            if (text[start] != '%' && !IsWord(text[start])) continue;
            while (at < text.Length && IsWord(text[at])) at++;
            var name = text.AsSpan(start, at - start);
            if (name[0] == '%' || name.StartsWith(Depot.Prefix)) yield return text[start..at];
        }
    }

    /// <summary>A piece of text with other names.</summary>
    protected static string Replaced(string text, Func<string, string> name)
    {
        if (!text.Contains('%')) return text;
        var result = new StringBuilder();
        for (int at = 0; at < text.Length;)
        {
            int start = at++;
            if (text[start] == '%' || IsWord(text[start]))
                while (at < text.Length && IsWord(text[at])) at++;
            if (text[start] == '%') result.Append(name(text[start..at]));
            else result.Append(text, start, at - start);
        }
        return result.ToString();
    }

    private static bool IsWord(char c) => char.IsAsciiLetterOrDigit(c) || c is '_' or '$';
}

/// <summary>What is not looked into: a block in braces, several instructions on a line, a directive between instructions.</summary>
internal sealed class Opaque : Statement
{
    private readonly string text;

    /// <summary>Whatever it names it may read, and change unless all of its instructions are seen to change something else.</summary>
    [SetsRequiredMembers]
    public Opaque(string text)
    {
        this.text = text;
        Reads = [.. NamesIn(text).Distinct()];
        Writes = text.StartsWith('{') && text.EndsWith('}') ? Written(text) ?? Reads : Reads;
    }

    /// <summary>What the instructions in braces write of what they do not declare themselves; null if that cannot be told.</summary>
    private static IReadOnlyList<string>? Written(string text)
    {
        HashSet<string> written = [];
        const StringSplitOptions options = StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries;
        foreach (string part in text[1..^1].Split(';', options))
        {
            if (part.StartsWith(".reg ", StringComparison.Ordinal)) continue;
            string instruction = part.StartsWith('@') ? part[(part.IndexOf(' ') + 1)..].TrimStart() : part;
            int first = instruction.IndexOf(' ');
            if (first < 0 || !char.IsAsciiLetter(instruction[0]) || instruction.Contains(':')) return null;
            string operands = instruction[first..].TrimStart();
            int end = operands.IndexOf(operands[0] == '{' ? '}' : ',');
            if (operands[0] != '[') written.UnionWith(NamesIn(end < 0 ? operands : operands[..end]));
        }
        return [.. written];
    }

    /// <inheritdoc/>
    public override Statement Renamed(
        Func<string, string> written, Func<string, string> read, Func<string, (string Base, long Offset)?> address) =>
        new Opaque(Replaced(text, name => Writes.Contains(name) ? written(name) : read(name)));

    /// <inheritdoc/>
    public override string ToString() => text;
}
