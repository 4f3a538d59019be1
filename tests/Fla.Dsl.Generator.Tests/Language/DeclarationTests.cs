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
    public void Declarations_of_all_bodies_give_in_every_mode_what_they_declare()
    {
        foreach (var declaration in DeclarationCases.Bodies)
        {
            var op = Assert.Single(GeneratorRun.Of(declaration.Source).Load()).Value;
            foreach (var result in Conformance.Check(op, new ConformanceCase { Tokens = 37, Sizes = new Dictionary<string, int> { ["K"] = 5, ["V"] = 7, ["M"] = 3, ["N"] = 4, ["D"] = 6 } }))
                Assert.True(result.Worst.Value < 1e-9, $"{declaration.Name}, {result.Execution}: {string.Join(", ", result.Errors)}");
        }
    }
}
