using System.Text.RegularExpressions;

namespace Fla.Dsl.Generator.Tests.Documentation;

/// <summary>Links between the pages of this repository, and to its files; pictures, which are drawn and not written, apart.</summary>
public partial class LinkTests
{
    public static TheoryData<string> Pages =>
    [
        .. Directory.EnumerateFiles(RepositoryFiles.Path(), "*.md", SearchOption.TopDirectoryOnly)
            .Concat(Directory.EnumerateFiles(RepositoryFiles.Path("docs"), "*.md", SearchOption.AllDirectories))
            .Select(page => Path.GetRelativePath(RepositoryFiles.Path(), page)).Order(StringComparer.Ordinal),
    ];

    [Theory]
    [MemberData(nameof(Pages))]
    public void Every_link_of_a_page_leads_somewhere(string page)
    {
        var broken = Links().Matches(RepositoryFiles.Read(page)).Select(match => match.Groups[1].Value)
            .Where(link => !link.StartsWith("http", StringComparison.Ordinal) && !LeadsSomewhere(page, link));
        Assert.Empty(broken);
    }

    [Fact]
    public void The_readme_lists_every_op()
    {
        var readme = RepositoryFiles.Read("README.md");
        var missing = Directory.GetFiles(RepositoryFiles.Path("Fla.Ops"), "*.cs").Select(Path.GetFileName).Where(file => !readme.Contains($"(Fla.Ops/{file})"));
        Assert.Empty(missing);
    }

    private static bool LeadsSomewhere(string page, string link)
    {
        var (file, heading) = link.Split('#') is [var before, var after] ? (before, after) : (link, null);
        var target = file.Length == 0 ? RepositoryFiles.Path(page) : Path.GetFullPath(Path.Combine(Path.GetDirectoryName(RepositoryFiles.Path(page))!, file));
        if (heading is null) return File.Exists(target) || Directory.Exists(target);
        return File.Exists(target) && Headings().Matches(File.ReadAllText(target)).Any(match => Anchor(match.Groups[1].Value) == heading);
    }

    /// <summary>What GitHub makes of a heading.</summary>
    private static string Anchor(string heading) => NotInAnchors().Replace(heading.ToLowerInvariant(), string.Empty).Replace(' ', '-');

    [GeneratedRegex(@"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")]
    private static partial Regex Links();

    [GeneratedRegex("^#+ (.*?)\r?$", RegexOptions.Multiline)]
    private static partial Regex Headings();

    [GeneratedRegex(@"[^\w\- ]")]
    private static partial Regex NotInAnchors();
}
