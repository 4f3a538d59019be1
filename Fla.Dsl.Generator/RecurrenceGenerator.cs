using Fla.Dsl.Generator.Diagnostics;
using Fla.Dsl.Generator.Emit;
using Fla.Dsl.Generator.Frontend;
using Fla.Dsl.Generator.Lowering;
using Fla.Dsl.Generator.Model;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Fla.Dsl.Generator;

/// <summary>What compiling one declaration gives: files, or the problem that kept it from them.</summary>
internal sealed record Compilation(string Name, EquatableArray<SourceFile> Files, EquatableArray<Problem> Problems);

/// <summary>
/// The wiring: classes that carry [Recurrence] are parsed to models, models compiled to files. A model is compared by value and knows
/// nothing of where it stands, so that an edit elsewhere compiles nothing again; places are put back only to report problems.
/// </summary>
[Generator(LanguageNames.CSharp)]
public sealed class RecurrenceGenerator : IIncrementalGenerator
{
    internal const string ParseStep = "Parse";
    internal const string CompileStep = "Compile";
    internal const string CatalogueStep = "Catalogue";

    /// <inheritdoc/>
    public void Initialize(IncrementalGeneratorInitializationContext context)
    {
        var parsed = context.SyntaxProvider
            .ForAttributeWithMetadataName(Language.RecurrenceAttribute, (node, _) => node is ClassDeclarationSyntax or RecordDeclarationSyntax { ClassOrStructKeyword.RawKind: not (int)SyntaxKind.StructKeyword }, Parse)
            .WithTrackingName(ParseStep);

        var compiled = parsed
            .SelectMany((declaration, _) => declaration.Declaration is { } model ? [model] : Array.Empty<Declaration>())
            .Select((declaration, _) => Compile(declaration))
            .WithTrackingName(CompileStep);

        var names = compiled.Where(result => result.Files.Count > 0).Select((result, _) => result.Name).Collect();
        var catalogue = parsed.SelectMany((declaration, _) => declaration.Declaration is { } model ? [(model.FullName, model.Accessibility)] : Array.Empty<(string, string)>())
            .Collect().Combine(names).Combine(context.CompilationProvider.Select((compilation, _) => CatalogueNamespace.Of(compilation)))
            .Select((all, _) => (Space: all.Right, Recurrences: all.Left.Left.Where(recurrence => all.Left.Right.Contains(recurrence.Item1)).ToEquatableArray()))
            .Select((all, _) => (Namespace: all.Space.For(all.Recurrences.Select(recurrence => recurrence.Item1)), all.Recurrences))
            .WithTrackingName(CatalogueStep);

        var needsLoading = context.CompilationProvider.Select((compilation, _) => compilation.GetTypeByMetadataName("Fla.Dsl.Runtime.Native.NativeLibraries") is not null);
        var homonyms = names.Select((all, _) => SourceFiles.Homonyms(all));
        var problems = parsed.Collect().Combine(compiled.Collect()).SelectMany((all, _) => Problems(all.Left, all.Right));

        context.RegisterSourceOutput(compiled.Combine(homonyms), (output, item) =>
        {
            var (result, others) = item;
            foreach (var file in result.Files) output.AddSource(SourceFiles.UniqueName(file.Name, result.Name, others), file.Text);
        });
        context.RegisterSourceOutput(catalogue, (output, all) =>
        {
            if (all.Recurrences.Count == 0) return;
            var file = SourceFiles.Catalogue(all.Namespace, all.Recurrences);
            output.AddSource(file.Name, file.Text);
        });
        context.RegisterSourceOutput(needsLoading, (output, needed) =>
        {
            if (!needed) return;
            var file = SourceFiles.NativeLoading();
            output.AddSource(file.Name, file.Text);
        });

        // A place is looked up in the compilation of the moment, which changes with every edit: only where there is a problem.
        context.RegisterSourceOutput(problems.Combine(context.CompilationProvider), (output, item) =>
        {
            var ((anchor, problem), compilation) = item;
            output.ReportDiagnostic(Diagnostic.Create(Rules.Get(problem.Id), anchor.Locate(problem.Span, compilation), problem.Arguments.ToArray<object>()));
        });
    }

    private static IEnumerable<(Anchor, Problem)> Problems(IEnumerable<ParsedDeclaration> parsed, IReadOnlyCollection<Compilation> compiled) =>
        from declaration in parsed
        let later = compiled.Where(result => result.Name == declaration.Declaration?.FullName).SelectMany(result => result.Problems)
        from problem in declaration.Problems.Concat(later)
        select (declaration.Anchor, problem);

    private static ParsedDeclaration Parse(GeneratorAttributeSyntaxContext context, CancellationToken cancellation) =>
        DeclarationParser.Parse((TypeDeclarationSyntax)context.TargetNode, (INamedTypeSymbol)context.TargetSymbol, context.SemanticModel, cancellation);

    internal static Compilation Compile(Declaration declaration)
    {
        try
        {
            var compiled = Pipeline.Compile(declaration);
            return new Compilation(declaration.FullName, SourceFiles.Of(compiled), compiled.Limits);
        }
        catch (DeclarationException exception)
        {
            return new Compilation(declaration.FullName, default, EquatableArray<Problem>.Empty.Add(exception.Problem));
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            return new Compilation(declaration.FullName, default, EquatableArray<Problem>.Empty.Add(Problem.Internal(declaration.Name, declaration.Place, exception)));
        }
    }
}
