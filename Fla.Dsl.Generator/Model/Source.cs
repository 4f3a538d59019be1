using Fla.Dsl.Generator.Diagnostics;
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
/// <param name="Text">The file's text from the class's first character, as far as the class goes: where it is the same, spans are.</param>
internal sealed record Anchor(string Path, int Start, string Text)
{
    /// <summary>A place in the source itself, so that a pragma there can turn a warning off.</summary>
    public Location Locate(RelativeSpan span, Microsoft.CodeAnalysis.Compilation compilation)
    {
        var place = new TextSpan(Start + span.Start, span.Length);
        return compilation.SyntaxTrees.FirstOrDefault(tree => tree.FilePath == Path && tree.Length >= place.End) is { } file ? Location.Create(file, place) : Location.None;
    }
}

/// <summary>
/// A mistake in a declaration: which rule, where, and the words for its message. Other than of a term, its place is part of it: the
/// cache keeps the old one of two equal values, and a report would stay behind where the text has moved.
/// </summary>
internal sealed record Problem(string Id, int Start, int Length, EquatableArray<string> Arguments)
{
    public Problem(DiagnosticDescriptor rule, RelativeSpan span, params string[] arguments)
        : this(rule.Id, span.Start, span.Length, arguments.ToEquatableArray())
    {
    }

    public RelativeSpan Span => new(Start, Length);

    /// <summary>A mistake of ours. A generator that throws takes all declarations with it, so that each is reported at its own.</summary>
    public static Problem Internal(string name, RelativeSpan span, Exception exception) => new(Rules.Internal, span, name, exception.Message.Split('\n')[0]);
}

/// <summary>Thrown inside the compiler to leave a declaration at its first mistake; the generator turns it into a diagnostic.</summary>
internal sealed class DeclarationException : Exception
{
    public DeclarationException(DiagnosticDescriptor rule, RelativeSpan span, params string[] arguments)
        : base(string.Format(rule.MessageFormat.ToString(), arguments)) => Problem = new Problem(rule, span, arguments);

    public Problem Problem { get; }
}
