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

    private static bool IsWord(char c) => char.IsAsciiLetterOrDigit(c) || c is '_' or '$';
}

/// <summary>What is not looked into: a block in braces, several instructions on a line, a directive between instructions.</summary>
internal sealed class Opaque : Statement
{
    private readonly string text;

    /// <summary>Whatever it names it may both read and change.</summary>
    [System.Diagnostics.CodeAnalysis.SetsRequiredMembers]
    public Opaque(string text)
    {
        this.text = text;
        Writes = Reads = [.. NamesIn(text).Distinct()];
    }

    /// <inheritdoc/>
    public override string ToString() => text;
}
