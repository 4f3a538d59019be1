using Fla.Dsl.Generator.Tests.Running;

namespace Fla.Dsl.Generator.Tests.Documentation;

/// <summary>The declarations that pages show are ones.</summary>
public class DeclarationsInPagesTests
{
    [Theory]
    [InlineData("authoring.md")]
    [InlineData("language.md")]
    public void Every_declaration_of_a_page_compiles(string page)
    {
        var sources = new Page(page).Sources.Where(source => source.Contains("[Recurrence")).ToList();
        Assert.NotEmpty(sources);
        foreach (var source in sources)
        {
            var run = GeneratorRun.Of(source);
            Assert.Empty(run.Reported);
            Assert.Empty(Page.Complaints(run));
        }
    }
}
