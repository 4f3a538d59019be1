using Fla.Dsl.Generator.Diagnostics;
using Fla.Dsl.Generator.Model;
using Fla.Dsl.Generator.Tests.Running;
using Microsoft.CodeAnalysis;

namespace Fla.Dsl.Generator.Tests.Diagnostics;

/// <summary>Every rule is tested, released and documented.</summary>
public class RuleTests
{
    public static TheoryData<string> Ids => [.. Fields.Select(rule => rule.Id)];

    private static IReadOnlyList<DiagnosticDescriptor> Fields =>
        [.. typeof(Rules).GetFields().Select(rule => rule.GetValue(null)).OfType<DiagnosticDescriptor>()];

    [Fact]
    public void Every_rule_has_an_id_of_its_own_and_can_be_looked_up()
    {
        Assert.Equal(Fields.OrderBy(rule => rule.Id), Rules.All.OrderBy(rule => rule.Id));
        Assert.Equal(Fields.Count, Fields.Select(rule => rule.Id).Distinct().Count());
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void A_rule_has_a_mistake_under_test(string id)
    {
        if (id != Rules.Internal.Id) Assert.Contains(Mistakes.All, mistake => mistake.Ids.Contains(id));
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void A_rule_is_released_as_it_is(string id)
    {
        var rule = Rules.Get(id);
        var released = new[] { "Shipped", "Unshipped" }.SelectMany(state => RepositoryFiles.Read("Fla.Dsl.Generator", $"AnalyzerReleases.{state}.md").ReplaceLineEndings("\n").Split('\n'));
        Assert.Contains($"{id} | {rule.Category} | {rule.DefaultSeverity} | {rule.Title}", released);
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void A_rule_has_a_page_to_which_it_links(string id)
    {
        Assert.EndsWith($"/docs/diagnostics/{id}.md", Rules.Get(id).HelpLinkUri);
        Assert.Contains(id, RepositoryFiles.Read("docs", "diagnostics", $"{id}.md"));
    }

    [Fact]
    public void A_mistake_of_the_compiler_is_reported_at_the_class_it_failed_on()
    {
        var right = GeneratorRun.Of(Mistake.Usings + Mistake.Class("static Vec<K> Step(Vec<K> x, Vec<V> y, ref State<K> h) { h += x; return Sigmoid(Sum(y)) * h; }")).Parsed.Single().Declaration!;
        var sum = new BinaryExpr(BinaryOperator.Add, new ArgumentExpr("x", ParameterRole.Token, TermType.Vector("K")), new ArgumentExpr("y", ParameterRole.Token, TermType.Vector("V")), TermType.Vector("K"));
        var result = RecurrenceGenerator.Compile(right with { Output = sum });

        Assert.Empty(result.Files);
        var problem = Assert.Single(result.Problems);
        Assert.Equal((Rules.Internal.Id, right.Place.Start, "Gated".Length), (problem.Id, problem.Start, problem.Length));
        Assert.Equal("The compiler failed on 'Gated', which is a mistake in Fla.Dsl and not in the declaration: Dimensions K and V do not join.",
            string.Format(Rules.Internal.MessageFormat.ToString(), [.. problem.Arguments]));
    }
}
