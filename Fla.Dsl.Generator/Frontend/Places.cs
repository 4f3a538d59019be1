using Fla.Dsl.Generator.Model;
using Microsoft.CodeAnalysis;

namespace Fla.Dsl.Generator.Frontend;

/// <summary>Places in the source, counted from the first character of the declaring class.</summary>
internal sealed class Places(SyntaxNode type)
{
    public RelativeSpan Of(SyntaxNodeOrToken place) => new(place.SpanStart - type.SpanStart, place.Span.Length);

    public DeclarationException Fail(DiagnosticDescriptor rule, SyntaxNodeOrToken place, params string[] arguments) => new(rule, Of(place), arguments);
}
