using Fla.Dsl.Testing;

namespace Fla.Ops.Tests.Operators;

/// <summary>The compiler on declarations of users: those of this assembly.</summary>
public class VariantTests
{
    public static TheoryData<string> Names => [.. Catalogue.All.Select(op => op.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_mode_equals_the_declaration(string name)
    {
        var op = Catalogue.All.Single(op => op.Name == name);
        var test = new ConformanceCase { Sizes = new Dictionary<string, int> { ["K"] = 12, ["V"] = 20, ["M"] = 6, ["N"] = 5, ["D"] = 7 } };
        foreach (var result in Conformance.Check(op, test))
            Assert.True(result.Worst.Value < 1e-9, $"{result.Execution}: {string.Join(", ", result.Errors)}");
    }
}
