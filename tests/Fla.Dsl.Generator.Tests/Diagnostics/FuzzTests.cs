using Fla.Dsl.Generator.Tests.Language;
using Fla.Dsl.Generator.Tests.Running;
using Microsoft.CodeAnalysis.CSharp;

namespace Fla.Dsl.Generator.Tests.Diagnostics;

/// <summary>Sources as they are while someone types: tokens missing, doubled or in the wrong place.</summary>
public class FuzzTests
{
    private const int CasesPerBatch = 100;

    private static readonly IReadOnlyList<string> Sources =
    [
        .. Directory.GetFiles(RepositoryFiles.Path("Fla.Ops"), "*.cs").Order().Select(File.ReadAllText),
        .. DeclarationCases.All.Select(declaration => declaration.Source),
    ];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void The_compiler_fails_on_nothing(int seed)
    {
        var random = new Random(seed);
        for (var i = 0; i < CasesPerBatch; i++)
        {
            var source = Mutated(Sources[random.Next(Sources.Count)], random);
            var run = GeneratorRun.Of(source);
            Assert.True(run.Result.Exception is null, $"{run.Result.Exception}\n{source}");
            foreach (var report in run.Reported)
            {
                Assert.True(report.Id != "FLA0099", $"{report}\n{source}");
                Assert.True(!report.Location.SourceSpan.IsEmpty, $"{report}\n{source}");
            }

            // What C# takes and we do not refuse must compile.
            if (run.OwnErrors.Count == 0 && run.Reported.All(report => report.Severity != Microsoft.CodeAnalysis.DiagnosticSeverity.Error))
                Assert.True(run.CompilerDiagnostics.All(diagnostic => diagnostic.Severity != Microsoft.CodeAnalysis.DiagnosticSeverity.Error), $"{string.Join('\n', run.CompilerDiagnostics)}\n{source}");
        }
    }

    private static string Mutated(string source, Random random)
    {
        for (var edits = 1 + random.Next(3); edits > 0; edits--)
        {
            var tokens = CSharpSyntaxTree.ParseText(source).GetRoot().DescendantTokens().ToList();
            var (one, other) = (tokens[random.Next(tokens.Count)], tokens[random.Next(tokens.Count)]);
            source = random.Next(4) switch
            {
                0 => source.Remove(one.SpanStart, one.Span.Length),
                1 => source.Insert(one.Span.End, $" {one.Text}"),
                2 => source.Insert(one.Span.End, $" {other.Text}"),
                _ => source.Remove(one.SpanStart, one.Span.Length).Insert(one.SpanStart, other.Text),
            };
        }

        return source;
    }
}
