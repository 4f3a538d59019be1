using System.Xml.Linq;
using Fla.Dsl.Generator.Diagnostics;
using Fla.Dsl.Generator.Model;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Fla.Dsl.Generator.Frontend;

/// <summary>What the frontend makes of one class: a model, or the problems that kept it from one; and warnings with either.</summary>
internal sealed record ParsedDeclaration(Declaration? Declaration, EquatableArray<Problem> Problems, Anchor Anchor, string Name);

/// <summary>Turns a class that carries [Recurrence] into a <see cref="Declaration"/>. Together with <see cref="BodyParser"/> the only place that sees symbols.</summary>
internal sealed class DeclarationParser
{
    private readonly ClassDeclarationSyntax syntax;
    private readonly INamedTypeSymbol symbol;
    private readonly SemanticModel model;
    private readonly CancellationToken cancellation;

    private DeclarationParser(ClassDeclarationSyntax syntax, INamedTypeSymbol symbol, SemanticModel model, CancellationToken cancellation) =>
        (this.syntax, this.symbol, this.model, this.cancellation) = (syntax, symbol, model, cancellation);

    public static ParsedDeclaration Parse(ClassDeclarationSyntax syntax, INamedTypeSymbol symbol, SemanticModel model, CancellationToken cancellation)
    {
        var line = syntax.GetLocation().GetLineSpan();
        var anchor = new Anchor(line.Path, syntax.SpanStart, syntax.ToString(), line.StartLinePosition.Line, line.StartLinePosition.Character);
        try
        {
            var declaration = new DeclarationParser(syntax, symbol, model, cancellation).Parse();
            var problems = declaration is null ? [] : Unused(declaration, syntax);
            return new ParsedDeclaration(declaration, problems.ToEquatableArray(), anchor, symbol.Name);
        }
        catch (DeclarationException exception)
        {
            return new ParsedDeclaration(null, EquatableArray<Problem>.Empty.Add(exception.Problem), anchor, symbol.Name);
        }
    }

    /// <summary>The declaration, or null where C# itself already reports an error in it.</summary>
    private Declaration? Parse()
    {
        CheckContainer();
        var step = FindStep();
        var parameters = new List<Parameter>();
        var states = new List<StateParameter>();
        foreach (var parameter in step.ParameterList.Parameters)
        {
            var declared = model.GetDeclaredSymbol(parameter, cancellation)!;
            if (declared.Type.TypeKind == TypeKind.Error) return null;
            if (Language.IsState(declared.Type)) states.Add(ParseState(parameter, declared));
            else parameters.Add(ParseParameter(parameter, declared));
        }

        if (states.Count == 0) throw Fail(Rules.NoState, step.Identifier, symbol.Name);
        CheckDimensions(step, parameters, states);

        var body = new BodyParser(model, Span, parameters, states, cancellation).Parse(step, symbol.Name);
        if (body is not { } parsed) return null;
        foreach (var state in states.Where(state => parsed.Updates.All(update => update.State != state.Name)))
            throw Fail(Rules.StateNotAssigned, step.ParameterList.Parameters.First(p => p.Identifier.Text == state.Name).Identifier, state.Name);

        var attribute = Language.Attribute(symbol, "Recurrence")!;
        var hasHeads = attribute.NamedArguments.FirstOrDefault(argument => argument.Key == "Heads").Value.Value as bool? ?? true;
        return new Declaration(
            symbol.ContainingNamespace.IsGlobalNamespace ? string.Empty : symbol.ContainingNamespace.ToDisplayString(),
            Containers().Select(type => type.Name).Reverse().ToEquatableArray(),
            symbol.Name,
            Containers().All(type => type.DeclaredAccessibility == Accessibility.Public) && symbol.DeclaredAccessibility == Accessibility.Public ? "public" : "internal",
            hasHeads,
            parameters.ToEquatableArray(),
            states.ToEquatableArray(),
            parsed.Updates,
            parsed.Output,
            syntax.ToString(),
            Summary());
    }

    private void CheckContainer()
    {
        if (symbol.DeclaredAccessibility == Accessibility.Private) throw Fail(Rules.Container, syntax.Identifier, symbol.Name, "visible to its assembly, not private");
        var missing = new[] { (SyntaxKind.StaticKeyword, "static"), (SyntaxKind.PartialKeyword, "partial") }
            .Where(modifier => !syntax.Modifiers.Any(modifier.Item1)).Select(modifier => modifier.Item2).ToList();
        if (missing.Count > 0) throw Fail(Rules.Container, syntax.Identifier, symbol.Name, string.Join(" and ", missing));
        foreach (var type in Containers().Where(type => !type.DeclaringSyntaxReferences.All(reference => reference.GetSyntax(cancellation) is ClassDeclarationSyntax c && c.Modifiers.Any(SyntaxKind.PartialKeyword))))
            throw Fail(Rules.Container, syntax.Identifier, symbol.Name, $"inside partial classes only, and '{type.Name}' is not");
        if (Containers().Append(symbol).Any(type => type.IsGenericType)) throw Fail(Rules.GenericContainer, syntax.Identifier, symbol.Name);
    }

    /// <summary>The classes around the declaring one, innermost first.</summary>
    private IEnumerable<INamedTypeSymbol> Containers()
    {
        for (var type = symbol.ContainingType; type is not null; type = type.ContainingType) yield return type;
    }

    private MethodDeclarationSyntax FindStep()
    {
        var steps = syntax.Members.OfType<MethodDeclarationSyntax>().Where(method => method.Identifier.Text == "Step").ToList();
        if (steps.Count != 1) throw Fail(Rules.Step, syntax.Identifier, symbol.Name, steps.Count == 0 ? "none" : steps.Count.ToString());
        if (!steps[0].Modifiers.Any(SyntaxKind.StaticKeyword)) throw Fail(Rules.Step, steps[0].Identifier, symbol.Name, "one that is not static");
        return steps[0];
    }

    private StateParameter ParseState(ParameterSyntax parameter, IParameterSymbol declared)
    {
        if (declared.RefKind != RefKind.Ref) throw Fail(Rules.StateByReference, parameter, declared.Name, parameter.Type!.ToString());
        return new StateParameter(declared.Name, Language.TypeOf(declared.Type)!);
    }

    private Parameter ParseParameter(ParameterSyntax parameter, IParameterSymbol declared)
    {
        if (declared.RefKind != RefKind.None || Language.TypeOf(declared.Type) is not { } type || declared.Type.SpecialType != SpecialType.None)
            throw Fail(Rules.ParameterType, parameter, declared.Name, parameter.Type?.ToString() ?? "?");
        var marked = new[] { "LogDecay", "PerHead", "Scale" }.Where(name => Language.Attribute(declared, name) is not null).ToList();
        if (marked.Count > 1 && !(marked.Count == 2 && marked[1] == "PerHead")) throw Fail(Rules.Attribute, parameter, declared.Name, marked[1], $"it is [{marked[0]}] already");
        if (marked.Contains("Scale") && type.Kind != TermKind.Scalar) throw Fail(Rules.Attribute, parameter, declared.Name, "Scale", $"a scale is a Scalar, and it is a {type}");
        var isPerHead = marked.Contains("PerHead");
        if (type.Kind == TermKind.Matrix && !isPerHead) throw Fail(Rules.ParameterType, parameter, declared.Name, type.ToString());
        var role = isPerHead ? ParameterRole.PerHead : marked.Contains("Scale") ? ParameterRole.Scale : ParameterRole.Token;
        return new Parameter(declared.Name, type, role, marked.Contains("LogDecay"), isPerHead ? DefaultOf(parameter, declared, type) : null);
    }

    private string? DefaultOf(ParameterSyntax parameter, IParameterSymbol declared, TermType type)
    {
        if (Language.Attribute(declared, "PerHead")!.NamedArguments.FirstOrDefault(argument => argument.Key == "Default").Value.Value is not string name) return null;
        var fits = symbol.GetMembers(name).OfType<IMethodSymbol>().Any(method => method is { IsStatic: true, ReturnType.SpecialType: SpecialType.System_Double, Parameters.Length: 2 }
            && method.Parameters.All(p => p.Type.SpecialType == SpecialType.System_Int32));
        if (!fits) throw Fail(Rules.Attribute, parameter, declared.Name, "PerHead", $"its Default wants a method 'static double {name}(int head, int heads)' in '{symbol.Name}'");
        if (type.Kind != TermKind.Scalar) throw Fail(Rules.Attribute, parameter, declared.Name, "PerHead", $"only a Scalar may have a Default, and it is a {type}");
        return name;
    }

    private void CheckDimensions(MethodDeclarationSyntax step, List<Parameter> parameters, List<StateParameter> states)
    {
        var given = parameters.SelectMany(parameter => new[] { parameter.Type.Rows, parameter.Type.Columns }).Append(Dim.One).ToList();
        foreach (var state in states)
        foreach (var dimension in new[] { state.Type.Rows, state.Type.Columns }.Where(dimension => !given.Contains(dimension)))
            throw Fail(Rules.Dimension, step.ParameterList.Parameters.First(p => p.Identifier.Text == state.Name), dimension, $"state '{state.Name}'");
    }

    private static IEnumerable<Problem> Unused(Declaration declaration, ClassDeclarationSyntax syntax)
    {
        var used = declaration.Updates.Select(update => update.Value).Append(declaration.Output)
            .SelectMany(Analysis.Terms.SelfAndDescendants).OfType<ArgumentExpr>().Select(argument => argument.Name).ToList();
        return declaration.Parameters.Where(parameter => !used.Contains(parameter.Name)).Select(parameter =>
        {
            var place = syntax.DescendantNodes().OfType<ParameterSyntax>().First(p => p.Identifier.Text == parameter.Name);
            return new Problem(Rules.Unused, new RelativeSpan(place.SpanStart - syntax.SpanStart, place.Span.Length), parameter.Name);
        });
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

    private RelativeSpan Span(SyntaxNodeOrToken place) => new(place.SpanStart - syntax.SpanStart, place.Span.Length);

    private DeclarationException Fail(DiagnosticDescriptor rule, SyntaxNodeOrToken place, params string[] arguments) => new(rule, Span(place), arguments);
}
