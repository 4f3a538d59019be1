using Fla.Dsl.Generator.Diagnostics;
using Fla.Dsl.Generator.Tests.Running;
using Microsoft.CodeAnalysis;

namespace Fla.Dsl.Generator.Tests.Documentation;

/// <summary>Every rule has a page, and what the page shows is so.</summary>
public class DiagnosticPageTests
{
    public static TheoryData<string> Ids => [.. Rules.All.Select(rule => rule.Id)];

    /// <summary>Those that a declaration can earn: the compiler's own failure has no example.</summary>
    public static TheoryData<string> IdsOfMistakes => [.. Rules.All.Select(rule => rule.Id).Where(id => id != Rules.Internal.Id)];

    [Theory]
    [MemberData(nameof(Ids))]
    public void A_rule_links_to_a_page_of_its_name(string id)
    {
        var rule = Rules.Get(id);
        Assert.EndsWith($"/docs/diagnostics/{id}.md", rule.HelpLinkUri);
        Assert.StartsWith($"# {id}: {rule.Title}\n", PageOf(id).Text);
    }

    [Theory]
    [MemberData(nameof(IdsOfMistakes))]
    public void The_wrong_example_gives_the_message_on_the_page(string id)
    {
        var page = PageOf(id);
        var run = GeneratorRun.Of(Assert.Single(page.SourcesUnder("Wrong")));
        var report = Assert.Single(run.Reported);
        Assert.Empty(run.OwnErrors);
        Assert.Equal(id, report.Id);
        Assert.Contains($"\n{Severity(report.Severity)} {id}: {report.GetMessage()}\n", page.Text);
    }

    [Theory]
    [MemberData(nameof(IdsOfMistakes))]
    public void The_right_example_compiles(string id)
    {
        var run = GeneratorRun.Of(Assert.Single(PageOf(id).SourcesUnder("Right")));
        Assert.Empty(run.Reported);
        Assert.Empty(Page.Complaints(run));
    }

    [Fact]
    public void The_table_lists_every_rule()
    {
        var rows = new Page("diagnostics", "README.md").Text.Split('\n').Where(line => line.StartsWith("| [FLA", StringComparison.Ordinal));
        var expected = Rules.All.Select(rule => $"| [{rule.Id}]({rule.Id}.md) | {Severity(rule.DefaultSeverity)} | {rule.Title} |");
        Assert.Equal(expected.Order(StringComparer.Ordinal), rows);
    }

    private static Page PageOf(string id) => new("diagnostics", $"{id}.md");

    private static string Severity(DiagnosticSeverity severity) => severity.ToString().ToLowerInvariant();
}
