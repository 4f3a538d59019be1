using Fla.Layers.Evaluation;
using Fla.Ops;

namespace Fla.Layers.Tests.Evaluation;

public class CataloguePageTests
{
    private static readonly string Page = File.ReadAllText(RepositoryFiles.Doc("catalogue.md")).ReplaceLineEndings("\n");

    /// <summary>Where it is not: <c>fla ops --markdown > docs/catalogue.md</c>.</summary>
    [Fact]
    public void The_page_is_what_the_ops_say() => Assert.Equal(CataloguePage.Of(Catalogue.All), Page);

    [Fact]
    public void No_cell_is_empty()
    {
        var rows = Page.Split('\n').Where(line => line.StartsWith('|')).ToArray();
        Assert.True(rows.Length > Catalogue.All.Count);
        Assert.All(rows.SelectMany(row => row.Trim('|').Split('|')), cell => Assert.NotEqual("", cell.Trim()));
    }
}
