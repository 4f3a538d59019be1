using Fla.Dsl.Testing;

namespace Fla.Ops.Tests.Operators;

public class CatalogueTests
{
    public static TheoryData<string> Names => [.. Fla.Ops.Catalogue.All.Select(op => op.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_mode_equals_the_declaration(string name)
    {
        var op = Fla.Ops.Catalogue.All.Single(op => op.Name == name);
        foreach (var result in Conformance.Check(op, new ConformanceCase { Sizes = new Dictionary<string, int> { ["K"] = 12, ["V"] = 20 } }))
            Assert.True(result.Worst.Value < 1e-10, $"{result.Execution}: {string.Join(", ", result.Errors)}");
    }
}
