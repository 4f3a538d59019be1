using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Text;

namespace Fla.Dsl.Generator.Model;

/// <summary>
/// A place in the declaring class, counted from the class's first character, so that edits elsewhere in the file leave a model
/// equal. It takes no part in comparing expressions: two equal terms at two places are one term to the compiler.
/// </summary>
internal readonly struct RelativeSpan : IEquatable<RelativeSpan>
{
    public RelativeSpan(int start, int length) => (Start, Length) = (start, length);

    public int Start { get; }

    public int Length { get; }

    public bool Equals(RelativeSpan other) => true;

    public override bool Equals(object? obj) => obj is RelativeSpan;

    public override int GetHashCode() => 0;
}

/// <summary>Where a declaration stands: turns a <see cref="RelativeSpan"/> back into a place in a file.</summary>
/// <param name="Path">The file.</param>
/// <param name="Start">The position of the class's first character.</param>
/// <param name="Text">The file's text from the class's first character, as far as the class goes.</param>
/// <param name="StartLine">The line of the class's first character.</param>
/// <param name="StartCharacter">The column of the class's first character.</param>
internal sealed record Anchor(string Path, int Start, string Text, int StartLine, int StartCharacter)
{
    public Location Locate(RelativeSpan span) =>
        Location.Create(Path, new TextSpan(Start + span.Start, span.Length), new LinePositionSpan(At(span.Start), At(span.Start + span.Length)));

    private LinePosition At(int offset)
    {
        var line = StartLine;
        var character = StartCharacter;
        for (var i = 0; i < offset && i < Text.Length; i++)
        {
            if (Text[i] == '\n') (line, character) = (line + 1, 0);
            else character++;
        }

        return new LinePosition(line, character);
    }
}

/// <summary>A mistake in a declaration: which rule, where, and the words for its message.</summary>
internal sealed record Problem(string Id, RelativeSpan Span, EquatableArray<string> Arguments)
{
    public Problem(DiagnosticDescriptor rule, RelativeSpan span, params string[] arguments)
        : this(rule.Id, span, arguments.ToEquatableArray())
    {
    }
}

/// <summary>Thrown inside the compiler to leave a declaration at its first mistake; the generator turns it into a diagnostic.</summary>
internal sealed class DeclarationException : Exception
{
    public DeclarationException(DiagnosticDescriptor rule, RelativeSpan span, params string[] arguments)
        : base(string.Format(rule.MessageFormat.ToString(), arguments)) => Problem = new Problem(rule, span, arguments);

    public Problem Problem { get; }
}
