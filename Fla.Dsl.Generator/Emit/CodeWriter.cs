using System.Text;

namespace Fla.Dsl.Generator.Emit;

/// <summary>Text with indentation and braces.</summary>
internal sealed class CodeWriter
{
    private readonly StringBuilder text = new();
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
        text.Append(written.text);
        return this;
    }

    public override string ToString() => text.ToString();
}
