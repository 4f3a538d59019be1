using System.Buffers;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Fla.Dsl.Runtime.Cuda.Ptx;

/// <summary>
/// One statement in the body of a PTX function. It is immutable: the copies of an unrolled loop share their statements.
/// </summary>
internal abstract class Statement
{
    private static readonly SearchValues<char> WordCharacters =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_$");

    /// <summary>Every register whose value it may change.</summary>
    public required ImmutableArray<string> Writes { get; init; }

    /// <summary>Every register whose value it may depend on, and every local array that it names.</summary>
    public required ImmutableArray<string> Reads { get; init; }

    /// <summary>The same of other registers.</summary>
    /// <param name="written">For one that it may change.</param>
    /// <param name="read">For one that it only reads.</param>
    /// <param name="address">For one that is an address, a base and an offset if that is known.</param>
    public abstract Statement Renamed(
        Func<string, string> written, Func<string, string> read, Func<string, (string Base, long Offset)?> address);

    /// <summary>As it stands in the text, without indentation.</summary>
    public abstract override string ToString();

    /// <summary>Adds the registers and the local arrays named in a piece of text, in its order, each once.</summary>
    protected static void AddNames(string text, List<string> names)
    {
        for (int at = 0; at < text.Length;)
        {
            int start = at++;
            if (text[start] != '%' && !IsWord(text[start])) continue;
            while (at < text.Length && IsWord(text[at])) at++;
            var name = text.AsSpan(start, at - start);
            if (name[0] != '%' && !name.StartsWith(Depot.Prefix)) continue;
            string whole = at - start == text.Length ? text : name.ToString();
            if (!names.Contains(whole)) names.Add(whole);
        }
    }

    /// <summary>A piece of text with other names.</summary>
    protected static string Replaced(string text, Func<string, string> name)
    {
        if (!text.Contains('%')) return text;
        if (text[0] == '%' && !text.AsSpan(1).ContainsAnyExcept(WordCharacters)) return name(text);
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

    private static bool IsWord(char c) => WordCharacters.Contains(c);
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
        List<string> names = [];
        AddNames(text, names);
        Reads = [.. names];
        Writes = text.StartsWith('{') && text.EndsWith('}') ? Written(text) ?? Reads : Reads;
    }

    /// <summary>What the instructions in braces write of what they do not declare themselves; null if that cannot be told.</summary>
    private static ImmutableArray<string>? Written(string text)
    {
        List<string> written = [];
        const StringSplitOptions options = StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries;
        foreach (string part in text[1..^1].Split(';', options))
        {
            if (part.StartsWith(".reg ", StringComparison.Ordinal)) continue;
            string instruction = part.StartsWith('@') ? part[(part.IndexOf(' ') + 1)..].TrimStart() : part;
            int first = instruction.IndexOf(' ');
            if (first < 0 || !char.IsAsciiLetter(instruction[0]) || instruction.Contains(':')) return null;
            string operands = instruction[first..].TrimStart();
            int end = operands.IndexOf(operands[0] == '{' ? '}' : ',');
            if (operands[0] != '[') AddNames(end < 0 ? operands : operands[..end], written);
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
