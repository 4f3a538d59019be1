using System.Text;

namespace Fla.Dsl.Generator.Emit;

/// <summary>Text with indentation and braces.</summary>
internal sealed class CodeWriter
{
    private readonly StringBuilder text = new();
    private int depth;

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

    public override string ToString() => text.ToString();
}
