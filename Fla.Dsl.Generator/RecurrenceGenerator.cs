using Fla.Dsl.Generator.Diagnostics;
using Fla.Dsl.Generator.Emit;
using Fla.Dsl.Generator.Frontend;
using Fla.Dsl.Generator.Lowering;
using Fla.Dsl.Generator.Model;
using Microsoft.CodeAnalysis;
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
            .ForAttributeWithMetadataName(Language.RecurrenceAttribute, (node, _) => node is ClassDeclarationSyntax, Parse)
            .WithTrackingName(ParseStep);

        var compiled = parsed
            .SelectMany((declaration, _) => declaration.Declaration is { } model ? [model] : Array.Empty<Declaration>())
            .Select((declaration, _) => Compile(declaration))
            .WithTrackingName(CompileStep);

        var names = compiled.Where(result => result.Files.Count > 0).Select((result, _) => result.Name);
        var catalogue = parsed.SelectMany((declaration, _) => declaration.Declaration is { } model ? [(model.FullName, model.Accessibility)] : Array.Empty<(string, string)>())
            .Collect().Combine(names.Collect()).Combine(context.CompilationProvider.Select((compilation, _) => compilation.AssemblyName ?? "Recurrences"))
            .Select((all, _) => (Assembly: all.Right, Recurrences: all.Left.Left.Where(recurrence => all.Left.Right.Contains(recurrence.Item1)).ToEquatableArray()))
            .WithTrackingName(CatalogueStep);

        var needsLoading = context.CompilationProvider.Select((compilation, _) => compilation.GetTypeByMetadataName("Fla.Dsl.Runtime.Native.NativeLibraries") is not null);

        context.RegisterSourceOutput(compiled, (output, result) =>
        {
            foreach (var file in result.Files) output.AddSource(file.Name, file.Text);
        });
        context.RegisterSourceOutput(catalogue, (output, all) =>
        {
            if (all.Recurrences.Count == 0) return;
            var file = SourceFiles.Catalogue(all.Assembly, all.Recurrences);
            output.AddSource(file.Name, file.Text);
        });
        context.RegisterSourceOutput(needsLoading, (output, needed) =>
        {
            if (!needed) return;
            var file = SourceFiles.NativeLoading();
            output.AddSource(file.Name, file.Text);
        });
        context.RegisterSourceOutput(parsed.Collect().Combine(compiled.Collect()), (output, all) =>
        {
            foreach (var declaration in all.Left)
            {
                var own = all.Right.Where(result => result.Name == declaration.Declaration?.FullName).SelectMany(result => result.Problems);
                foreach (var problem in declaration.Problems.Concat(own))
                    output.ReportDiagnostic(Diagnostic.Create(Rules.Get(problem.Id), declaration.Anchor.Locate(problem.Span), problem.Arguments.ToArray<object>()));
            }
        });
    }

    private static ParsedDeclaration Parse(GeneratorAttributeSyntaxContext context, CancellationToken cancellation) =>
        DeclarationParser.Parse((ClassDeclarationSyntax)context.TargetNode, (INamedTypeSymbol)context.TargetSymbol, context.SemanticModel, cancellation);

    private static Compilation Compile(Declaration declaration)
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
            // A generator that throws takes all its declarations with it: even our own mistakes are reported, each at its class.
            return new Compilation(declaration.FullName, default, EquatableArray<Problem>.Empty.Add(new Problem(Rules.Internal, new RelativeSpan(0, 0), declaration.Name, exception.Message)));
        }
    }
}
