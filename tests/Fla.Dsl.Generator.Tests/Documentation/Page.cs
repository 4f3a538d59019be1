using System.Text.RegularExpressions;
using Fla.Dsl.Generator.Tests.Diagnostics;
using Fla.Dsl.Generator.Tests.Running;
using Microsoft.CodeAnalysis;

namespace Fla.Dsl.Generator.Tests.Documentation;

/// <summary>A page of the documentation: its text, and the C# in it that is meant to be compiled.</summary>
internal sealed partial class Page(params string[] path)
{
    public string Text { get; } = RepositoryFiles.Read(["docs", .. path]).ReplaceLineEndings("\n");

    /// <summary>The blocks marked <c>csharp</c>, with the usings that pages leave out. C# to be read only is marked <c>cs</c>.</summary>
    public IReadOnlyList<string> Sources => [.. Blocks().Matches(Text).Select(match => WithUsings(match.Groups[1].Value))];

    /// <summary>The blocks under a heading of the second level.</summary>
    public IReadOnlyList<string> SourcesUnder(string heading)
    {
        var section = Regex.Split(Text, "^## ", RegexOptions.Multiline).SingleOrDefault(part => part.StartsWith(heading + "\n", StringComparison.Ordinal)) ?? string.Empty;
        return [.. Blocks().Matches(section).Select(match => WithUsings(match.Groups[1].Value))];
    }

    private static string WithUsings(string block) => block.StartsWith("using ", StringComparison.Ordinal) ? block : Mistake.Usings + block;

    /// <summary>What C# reports of an example, generated code included; an example need not document itself.</summary>
    public static IEnumerable<Diagnostic> Complaints(GeneratorRun run) => run.CompilerDiagnostics.Where(diagnostic => diagnostic.Id != "CS1591");

    [GeneratedRegex("^```csharp\n(.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Blocks();
}
