using System.Text;

namespace Fla.Dsl.Generator.Emit;

/// <summary>Text with indentation and braces.</summary>
internal sealed class CodeWriter
{
    private readonly StringBuilder text = new();
    private readonly List<(int At, CodeWriter Code)> later = [];
    private int depth;

    /// <param name="depth">How far in it begins.</param>
    public CodeWriter(int depth = 0) => this.depth = depth;

    public CodeWriter Line(string line = "")
    {
        if (line.Length > 0) text.Append(' ', 4 * depth).Append(line);
        text.Append('\n');
        return this;
    }

    public CodeWriter Lines(IEnumerable<string> lines)
    {
        foreach (var line in lines) Line(line);
        return this;
    }

    public CodeWriter Block(string head, Action body, string tail = "}")
    {
        Line(head).Line("{");
        depth++;
        body();
        depth--;
        return Line(tail);
    }

    public CodeWriter Indented(Action body)
    {
        depth++;
        body();
        depth--;
        return this;
    }

    /// <summary>A writer for what is to be appended here, so much further in.</summary>
    public CodeWriter Inner(int further) => new(depth + further);

    public CodeWriter Append(CodeWriter written)
    {
        text.Append(written);
        return this;
    }

    /// <summary>A writer for what stands here, and may be written after what follows.</summary>
    public CodeWriter Later()
    {
        var code = new CodeWriter(depth);
        later.Add((text.Length, code));
        return code;
    }

    public override string ToString()
    {
        var whole = new StringBuilder(text.ToString());
        foreach (var (at, code) in Enumerable.Reverse(later)) whole.Insert(at, code.ToString());
        return whole.ToString();
    }
}
