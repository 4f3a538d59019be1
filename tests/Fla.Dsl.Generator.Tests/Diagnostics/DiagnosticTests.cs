using Fla.Dsl.Generator.Diagnostics;
using Fla.Dsl.Generator.Tests.Running;
using Microsoft.CodeAnalysis;

namespace Fla.Dsl.Generator.Tests.Diagnostics;

/// <summary>What is reported for which mistake, where and in which words.</summary>
public class DiagnosticTests
{
    public static TheoryData<string> Names => [.. Mistakes.All.Select(mistake => mistake.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_mistake_is_named_at_its_place(string name)
    {
        var mistake = Mistakes.All.Single(mistake => mistake.Name == name);
        var marked = MarkedSource.Parse(Mistake.Usings + mistake.Source);
        var run = GeneratorRun.Of(marked.Text);

        var expected = mistake.Reports.Zip(marked.Places, (report, place) => $"{place} '{marked.Text.Substring(place.Start, place.Length)}' {report}");
        var actual = run.Reported.Select(report => $"{report.Location.SourceSpan} '{marked.Text.Substring(report.Location.SourceSpan.Start, report.Location.SourceSpan.Length)}' {report.Id}: {report.GetMessage()}");
        Assert.Equal(mistake.Reports.Length, marked.Places.Count);
        Assert.Equal(string.Join('\n', expected), string.Join('\n', actual));
        Assert.All(run.Reported, diagnostic => Assert.Equal(Rules.Get(diagnostic.Id).DefaultSeverity, diagnostic.Severity));
    }
}
