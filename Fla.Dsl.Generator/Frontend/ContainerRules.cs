using Fla.Dsl.Generator.Diagnostics;
using Fla.Dsl.Generator.Model;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Fla.Dsl.Generator.Frontend;

/// <summary>What the declaring class and the classes around it must be, so that another part of it can be generated and listed.</summary>
internal sealed class ContainerRules(TypeDeclarationSyntax syntax, INamedTypeSymbol symbol, Places places, CancellationToken cancellation)
{
    public void Check()
    {
        if (syntax is not ClassDeclarationSyntax) throw Fail("a class, not a record");
        var missing = new[] { (SyntaxKind.StaticKeyword, "static"), (SyntaxKind.PartialKeyword, "partial") }
            .Where(modifier => !syntax.Modifiers.Any(modifier.Item1)).Select(modifier => modifier.Item2).ToList();
        if (missing.Count > 0) throw Fail($"{string.Join(" and ", missing)}: write 'static partial class {symbol.Name}'");
        foreach (var type in symbol.AndContainers())
        {
            var it = SymbolEqualityComparer.Default.Equals(type, symbol) ? "it" : $"'{type.Name}' around it";
            if (type.DeclaredAccessibility is Accessibility.Private or Accessibility.Protected or Accessibility.ProtectedAndInternal)
                throw Fail($"visible in its whole assembly, but {it} is '{SyntaxFacts.GetText(type.DeclaredAccessibility)}'");
            if (type.IsFileLocal) throw Fail($"visible in its whole assembly, but {it} is 'file'");
            if (!type.DeclaringSyntaxReferences.All(reference => IsPartialClass(reference.GetSyntax(cancellation)))) throw Fail($"inside partial classes only, and {it} is not one");
            if (type.Arity > 0) throw places.Fail(Rules.GenericContainer, syntax.Identifier, type.Name);
        }
    }

    public MethodDeclarationSyntax FindStep()
    {
        var steps = syntax.Members.OfType<MethodDeclarationSyntax>().Where(method => method.Identifier.ValueText == "Step").ToList();
        if (steps.Count == 0) throw Fail(syntax.Identifier, symbol.GetMembers("Step").OfType<IMethodSymbol>().Any() ? "one in another part, and it must be in the part with [Recurrence]" : "none");
        if (steps.Count > 1) throw Fail(steps[1].Identifier, steps.Count.ToString());
        if (!steps[0].Modifiers.Any(SyntaxKind.StaticKeyword)) throw Fail(steps[0].Identifier, "one that is not static");
        if (steps[0].TypeParameterList is { } types) throw Fail(types, "one with type parameters");
        return steps[0];

        DeclarationException Fail(SyntaxNodeOrToken place, string what) => places.Fail(Rules.Step, place, symbol.Name, what);
    }

    private DeclarationException Fail(string what) => places.Fail(Rules.Container, syntax.Identifier, symbol.Name, what);

    private static bool IsPartialClass(SyntaxNode type) => type is ClassDeclarationSyntax declared && declared.Modifiers.Any(SyntaxKind.PartialKeyword);
}
