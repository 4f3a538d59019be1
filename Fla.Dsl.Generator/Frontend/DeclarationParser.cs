using System.Xml.Linq;
using Fla.Dsl.Generator.Diagnostics;
using Fla.Dsl.Generator.Model;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Fla.Dsl.Generator.Frontend;

/// <summary>What the frontend makes of one class: a model, or the problems that kept it from one; and warnings with either.</summary>
internal sealed record ParsedDeclaration(Declaration? Declaration, EquatableArray<Problem> Problems, Anchor Anchor);

/// <summary>
/// Turns a class that carries [Recurrence] into a <see cref="Declaration"/>. This folder is the only place that sees symbols.
/// </summary>
internal sealed class DeclarationParser
{
    private readonly TypeDeclarationSyntax syntax;
    private readonly INamedTypeSymbol symbol;
    private readonly SemanticModel model;
    private readonly Places places;
    private readonly CancellationToken cancellation;

    private DeclarationParser(TypeDeclarationSyntax syntax, INamedTypeSymbol symbol, SemanticModel model, CancellationToken cancellation) =>
        (this.syntax, this.symbol, this.model, places, this.cancellation) = (syntax, symbol, model, new Places(syntax), cancellation);

    public static ParsedDeclaration Parse(TypeDeclarationSyntax syntax, INamedTypeSymbol symbol, SemanticModel model, CancellationToken cancellation)
    {
        var anchor = new Anchor(syntax.SyntaxTree.FilePath, syntax.SpanStart, syntax.ToString());
        var parser = new DeclarationParser(syntax, symbol, model, cancellation);
        try
        {
            return parser.Parse() is var (declaration, unused)
                ? new ParsedDeclaration(declaration, unused.ToEquatableArray(), anchor)
                : new ParsedDeclaration(null, default, anchor);
        }
        catch (DeclarationException exception)
        {
            return new ParsedDeclaration(null, EquatableArray<Problem>.Empty.Add(exception.Problem), anchor);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            return new ParsedDeclaration(null, EquatableArray<Problem>.Empty.Add(Problem.Internal(symbol.Name, parser.places.Of(syntax.Identifier), exception)), anchor);
        }
    }

    /// <summary>The declaration and its unused arguments, or null where C# itself already reports an error in Step.</summary>
    private (Declaration, IEnumerable<Problem>)? Parse()
    {
        if (IsRepeated() || syntax.Identifier.IsMissing) return null;
        var container = new ContainerRules(syntax, symbol, places, cancellation);
        container.Check();
        var step = container.FindStep();
        if (model.GetDiagnostics(step.Span, cancellation).Any(diagnostic => diagnostic.DefaultSeverity == DiagnosticSeverity.Error)) return null;

        var declared = step.ParameterList.Parameters;
        var (parameters, states) = new ParameterParser(symbol, model, places, cancellation).Parse(step);
        var names = new NameRules(syntax, symbol, model, places);
        names.CheckClass();
        names.CheckParameters(declared, parameters, states);
        names.CheckDimensions(declared);

        var (updates, output) = new BodyParser(model, places, parameters, states, cancellation).Parse(step, symbol.Name);
        foreach (var state in states.Where(state => updates.All(update => update.State != state.Name)))
            throw places.Fail(Rules.StateNotAssigned, declared.First(p => p.Identifier.ValueText == state.Name).Identifier, state.Name);

        var attribute = Language.Attribute(symbol, "Recurrence")!;
        var hasHeads = attribute.NamedArguments.FirstOrDefault(argument => argument.Key == "Heads").Value.Value as bool? ?? true;
        var declaration = new Declaration(
            string.Join(".", Namespaces(symbol).Reverse()),
            symbol.AndContainers().Skip(1).Select(type => type.Name).Reverse().ToEquatableArray(),
            symbol.Name,
            symbol.AndContainers().All(type => type.DeclaredAccessibility == Accessibility.Public) ? "public" : "internal",
            hasHeads,
            parameters.ToEquatableArray(),
            states.ToEquatableArray(),
            updates,
            output,
            syntax.ToString(),
            Summary())
        {
            Place = places.Of(syntax.Identifier),
        };
        return (declaration, Unused(declaration, declared));
    }

    /// <summary>Two parts with [Recurrence] are C#'s error, and one recurrence to us.</summary>
    private bool IsRepeated() => symbol.GetAttributes().FirstOrDefault(Language.IsRecurrence)?.ApplicationSyntaxReference is { } first
        && !(first.SyntaxTree == syntax.SyntaxTree && syntax.Span.Contains(first.Span));

    private static IEnumerable<string> Namespaces(INamedTypeSymbol type)
    {
        for (var space = type.ContainingNamespace; space is { IsGlobalNamespace: false }; space = space.ContainingNamespace) yield return space.Name;
    }

    private IEnumerable<Problem> Unused(Declaration declaration, IReadOnlyList<ParameterSyntax> declared)
    {
        var used = declaration.Updates.Select(update => update.Value).Append(declaration.Output)
            .SelectMany(Analysis.Terms.SelfAndDescendants).OfType<ArgumentExpr>().Select(argument => argument.Name).ToList();
        return declaration.Parameters.Where(parameter => !used.Contains(parameter.Name)).Select(parameter =>
            new Problem(Rules.Unused, places.Of(declared.First(p => p.Identifier.ValueText == parameter.Name)), parameter.Name));
    }

    private string Summary()
    {
        var xml = symbol.GetDocumentationCommentXml(cancellationToken: cancellation);
        if (string.IsNullOrWhiteSpace(xml)) return string.Empty;
        try
        {
            var text = XElement.Parse(xml).Element("summary")?.Value ?? string.Empty;
            return string.Join(" ", text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        }
        catch (System.Xml.XmlException)
        {
            return string.Empty; // C# itself warns of malformed documentation.
        }
    }
}
