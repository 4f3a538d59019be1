using System.Collections.Immutable;
using Fla.Dsl.Generator.Emit;
using Fla.Dsl.Generator.Frontend;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Fla.Dsl.Generator.Tests.Running;

/// <summary>The generator run once, over source texts that see Fla.Dsl, TorchSharp and .NET's implicit usings as a user's project does.</summary>
internal sealed class GeneratorRun
{
    private const string ImplicitUsings = """
        global using System;
        global using System.Collections.Generic;
        global using System.IO;
        global using System.Linq;
        global using System.Net.Http;
        global using System.Threading;
        global using System.Threading.Tasks;
        """;

    private static readonly CSharpParseOptions ParseOptions = new(LanguageVersion.Latest, DocumentationMode.Diagnose);

    /// <summary>Compilations made from it share what they know of the references, which takes most of the time.</summary>
    private static readonly CSharpCompilation Empty = CSharpCompilation.Create(
        "Declared",
        [Tree(ImplicitUsings, "ImplicitUsings.cs")],
        ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator).Where(IsReferenced).Select(path => MetadataReference.CreateFromFile(path)),
        new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, nullableContextOptions: NullableContextOptions.Enable, warningLevel: 9999));

    private GeneratorRun(GeneratorDriver driver, CSharpCompilation input)
    {
        Input = input;
        Driver = driver.RunGeneratorsAndUpdateCompilation(input, out var output, out _);
        Output = (CSharpCompilation)output;
        Result = Driver.GetRunResult().Results.Single();
    }

    public CSharpCompilation Input { get; }

    public CSharpCompilation Output { get; }

    public GeneratorDriver Driver { get; }

    public GeneratorRunResult Result { get; }

    /// <summary>What the generator reports, by place, without what a pragma in the source turns off.</summary>
    public IReadOnlyList<Diagnostic> Reported =>
        [.. Result.Diagnostics.Where(diagnostic => !diagnostic.IsSuppressed).OrderBy(diagnostic => diagnostic.Location.SourceSpan.Start).ThenBy(diagnostic => diagnostic.Id)];

    /// <summary>What C# reports before the generator adds anything.</summary>
    public IReadOnlyList<Diagnostic> OwnErrors => [.. Input.GetDiagnostics().Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error)];

    /// <summary>What C# reports of the whole, generated code included: errors and warnings.</summary>
    public IReadOnlyList<Diagnostic> CompilerDiagnostics => [.. Output.GetDiagnostics().Where(diagnostic => diagnostic.Severity >= DiagnosticSeverity.Warning)];

    /// <summary>What the frontend gave, declaration by declaration.</summary>
    public IReadOnlyList<ParsedDeclaration> Parsed =>
        [.. Result.TrackedSteps[RecurrenceGenerator.ParseStep].SelectMany(step => step.Outputs).Select(output => (ParsedDeclaration)output.Value)];

    public ImmutableArray<GeneratedSourceResult> Files => Result.GeneratedSources;

    public static GeneratorRun Of(params string[] sources) => Of(Empty.AssemblyName!, sources);

    public static GeneratorRun Of(string assembly, IReadOnlyList<string> sources, ReportDiagnostic warnings = ReportDiagnostic.Default)
    {
        var input = assembly == Empty.AssemblyName ? Empty : Empty.WithAssemblyName(assembly);
        if (warnings != ReportDiagnostic.Default) input = input.WithOptions(input.Options.WithGeneralDiagnosticOption(warnings));
        input = input.AddSyntaxTrees(sources.Select((source, i) => Tree(source, $"File{i}.cs")));
        var options = new GeneratorDriverOptions(IncrementalGeneratorOutputKind.None, trackIncrementalGeneratorSteps: true);
        return new GeneratorRun(CSharpGeneratorDriver.Create([new RecurrenceGenerator().AsSourceGenerator()], parseOptions: ParseOptions, driverOptions: options), input);
    }

    /// <summary>The same generator after an edit: its caches are kept.</summary>
    public GeneratorRun Then(params string[] sources)
    {
        var after = Input.RemoveAllSyntaxTrees().AddSyntaxTrees(Input.SyntaxTrees.Take(1));
        for (var i = 0; i < sources.Length; i++)
        {
            // A file that is the same stays the same tree, as in an editor.
            var before = Input.SyntaxTrees.ElementAtOrDefault(i + 1);
            after = after.AddSyntaxTrees(before?.ToString() == sources[i] ? before : Tree(sources[i], $"File{i}.cs"));
        }

        return new GeneratorRun(Driver, after);
    }

    /// <summary>The compiled operators, by full name, in an assembly of this process.</summary>
    public IReadOnlyDictionary<string, RecurrenceOp> Load()
    {
        using var image = new MemoryStream();
        var emitted = Output.Emit(image);
        Assert.True(emitted.Success, string.Join('\n', emitted.Diagnostics.Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error)));
        var catalogue = System.Reflection.Assembly.Load(image.ToArray()).GetTypes().Single(type => type.Name == SourceFiles.CatalogueName);
        return ((IReadOnlyList<RecurrenceOp>)catalogue.GetProperty("All")!.GetValue(null)!).ToDictionary(op => op.Declaration.FullName!);
    }

    public string File(string hintName) => Files.Single(file => file.HintName == hintName).SourceText.ToString();

    private static bool IsReferenced(string path) =>
        Path.GetFileName(path) is var name && (name.StartsWith("System.", StringComparison.Ordinal) || name is "netstandard.dll" or "TorchSharp.dll" or "ILGPU.dll" or "Fla.Dsl.dll");

    private static SyntaxTree Tree(string source, string path) => CSharpSyntaxTree.ParseText(source, ParseOptions, path, System.Text.Encoding.UTF8);
}
