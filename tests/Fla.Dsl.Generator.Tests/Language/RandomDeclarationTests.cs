using Fla.Dsl.Generator.Tests.Diagnostics;
using Fla.Dsl.Generator.Tests.Running;
using Fla.Dsl.Testing;
using Xunit.Abstractions;

namespace Fla.Dsl.Generator.Tests.Language;

/// <summary>Declarations at random: the compiler refuses one with a reason, or gives what it declares.</summary>
public class RandomDeclarationTests(ITestOutputHelper output)
{
    // More of them: FLA_SEED=1000 FLA_COUNT=400 dotnet test --filter RandomDeclarationTests
    private static readonly int First = int.Parse(Environment.GetEnvironmentVariable("FLA_SEED") ?? "0");
    private static readonly int Count = int.Parse(Environment.GetEnvironmentVariable("FLA_COUNT") ?? "40");

    [Fact]
    public void A_declaration_is_refused_with_a_reason_or_every_mode_gives_what_it_declares()
    {
        var texts = Enumerable.Range(First, Count).ToDictionary(seed => $"Random{seed}", seed => RandomDeclaration.Write($"Random{seed}", seed));
        var run = GeneratorRun.Of(Mistake.Usings + "#pragma warning disable FLA0019\n" + string.Concat(texts.Values));

        Assert.Empty(run.OwnErrors);
        Assert.DoesNotContain(run.Reported, report => report.Id == "FLA0099");
        Assert.All(run.Reported, report => Assert.False(report.Location.SourceSpan.IsEmpty));
        foreach (var reports in run.Reported.GroupBy(r => r.Id)) output.WriteLine($"{reports.Key}: {reports.Count()}");

        var failures = new List<string>();
        var ops = run.Load();
        output.WriteLine($"{ops.Count} of {texts.Count} compiled");
        foreach (var (name, op) in ops)
        {
            var results = Conformance.Check(op, new ConformanceCase { Tokens = 21, Batch = 1, Sizes = new Dictionary<string, int> { ["K"] = 3, ["V"] = 4 } });
            if (results.FirstOrDefault(result => !(result.Worst.Value < 1e-6)) is { } wrong)
                failures.Add($"{wrong.Execution}: {string.Join(", ", wrong.Errors)}\n{texts[name]}");
        }

        Assert.True(failures.Count == 0, string.Join("\n", failures));
    }
}
