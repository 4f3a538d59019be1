using Fla.Dsl.Generator.Tests.Diagnostics;
using Fla.Dsl.Generator.Tests.Running;
using Fla.Dsl.Testing;

namespace Fla.Dsl.Generator.Tests.Language;

/// <summary>What a user may write compiles, and so does what is generated for it.</summary>
public class DeclarationTests
{
    /// <summary>Warnings at what the user wrote: names of lower case, or a keyword of some later C#; no documentation; a state assigned to itself.</summary>
    private static readonly string[] Users = ["CS1717", "CS8981", "CS9258", "CS1591"];

    public static TheoryData<string> Names => [.. DeclarationCases.All.Select(declaration => declaration.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_declaration_compiles_without_warnings(string name)
    {
        var declaration = DeclarationCases.All.Single(declaration => declaration.Name == name);
        var run = GeneratorRun.Of(declaration.Assembly, [declaration.Source]);

        Assert.Empty(run.OwnErrors);
        Assert.Empty(run.Reported);
        Assert.DoesNotContain(run.CompilerDiagnostics, diagnostic => diagnostic.Location.SourceTree != run.Input.SyntaxTrees.Last() || !Users.Contains(diagnostic.Id));
        Assert.Contains(run.Files, file => file.HintName == "Catalogue.g.cs");
    }

    [Fact]
    public void Every_mode_gives_what_a_declaration_declares()
    {
        // All in one compilation, each in a namespace of its own.
        var sources = DeclarationCases.Bodies.ToDictionary(declaration => declaration.Name, declaration => declaration.Source[Mistake.Usings.Length..]);
        var spaces = sources.Select((source, i) => (source.Key, Space: $"Body{i}")).ToDictionary(pair => pair.Key, pair => pair.Space);
        var run = GeneratorRun.Of(Mistake.Usings + string.Concat(sources.Select(source => $"namespace {spaces[source.Key]}\n{{\n{source.Value}\n}}\n")));
        var ops = run.Load();
        var test = new ConformanceCase { Batch = 1, Tokens = 37, Sizes = new Dictionary<string, int> { ["K"] = 5, ["V"] = 7, ["M"] = 3, ["N"] = 4, ["D"] = 6 } };
        foreach (var (name, space) in spaces)
        foreach (var result in Conformance.Check(ops[$"{space}.Gated"], test))
            Assert.True(result.Worst.Value < 1e-9, $"{name}, {result.Execution}: {string.Join(", ", result.Errors)}");
    }
}
