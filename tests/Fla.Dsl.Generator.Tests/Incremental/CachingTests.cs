using System.Collections;
using System.Reflection;
using Fla.Dsl.Generator.Tests.Diagnostics;
using Fla.Dsl.Generator.Tests.Language;
using Fla.Dsl.Generator.Tests.Running;
using Microsoft.CodeAnalysis;

namespace Fla.Dsl.Generator.Tests.Incremental;

/// <summary>What keeps an editor fast: models that are equal where the source is, and nothing run again that an edit does not concern.</summary>
public class CachingTests
{
    private static readonly string[] Steps = [RecurrenceGenerator.ParseStep, RecurrenceGenerator.CompileStep, RecurrenceGenerator.CatalogueStep];

    private static readonly string Ops = string.Concat(Directory.GetFiles(RepositoryFiles.Path("Fla.Ops"), "*.cs").Order().Select(File.ReadAllText)
        .Select(text => text[text.IndexOf("/// <summary>", StringComparison.Ordinal)..]).Prepend($"{Mistake.Usings}namespace Fla.Ops;\n\n"));

    private const string Elsewhere = "namespace Elsewhere { public class Empty { public int One() => 1; } }";

    public static TheoryData<string> StepNames => [.. Steps];

    [Fact]
    public void The_same_source_gives_equal_models()
    {
        foreach (var source in DeclarationCases.All.Select(declaration => declaration.Source).Concat(Mistakes.All.Select(mistake => MarkedSource.Parse(Mistake.Usings + mistake.Source).Text)).Append(Ops))
        {
            var (first, second) = (GeneratorRun.Of(source), GeneratorRun.Of(source));
            foreach (var step in Steps)
            {
                Assert.Equal(Values(first, step), Values(second, step));
                Assert.Equal(Values(first, step).Select(model => model.GetHashCode()), Values(second, step).Select(model => model.GetHashCode()));
            }
        }
    }

    [Theory]
    [MemberData(nameof(StepNames))]
    public void No_model_holds_on_to_a_compilation(string step)
    {
        var run = GeneratorRun.Of(Ops, Mistake.Usings + MarkedSource.Parse(Mistakes.All.First(mistake => mistake.Ids.Contains("FLA0018")).Source).Text);
        var models = Values(run, step);
        Assert.NotEmpty(models);
        Assert.All(models, model => AssertFreeOfRoslyn(model, step, []));
    }

    [Fact]
    public void An_edit_of_another_file_runs_nothing_again()
    {
        var run = GeneratorRun.Of(Ops, Elsewhere).Then(Ops, Elsewhere.Replace("=> 1", "=> 2"));
        AssertCached(run);
        Assert.All(Reasons(run, RecurrenceGenerator.ParseStep), reason => Assert.True(IsCached(reason)));
        Assert.Equal(Directory.GetFiles(RepositoryFiles.Path("Fla.Ops"), "*.cs").Length, Values(run, RecurrenceGenerator.CompileStep).Count);
    }

    [Fact]
    public void A_file_that_comes_and_goes_runs_nothing_again()
    {
        AssertCached(GeneratorRun.Of(Ops).Then(Ops, Elsewhere));
        AssertCached(GeneratorRun.Of(Ops, Elsewhere).Then(Ops));
    }

    [Theory]
    [InlineData("namespace Fla.Ops;\n", "namespace Fla.Ops;\n\ninternal static class Above { public static int One => 1; }\n")]
    [InlineData("namespace Fla.Ops;\n", "namespace Fla.Ops; // a comment\n\n\n")]
    [InlineData("}\n/// <summary>", "}\n\n// A comment.\n\n/// <summary>")]
    public void An_edit_beside_the_classes_of_a_file_compiles_nothing_again(string before, string after)
    {
        var edited = Ops.ReplaceLineEndings("\n").Replace(before, after);
        Assert.NotEqual(Ops, edited);
        AssertCached(GeneratorRun.Of(Ops).Then(edited));
    }

    [Fact]
    public void An_edit_of_a_declaration_compiles_that_one_again()
    {
        const string Before = "S = Exp(gk) * S + Outer(k, v);";
        var run = GeneratorRun.Of(Ops).Then(Ops.Replace(Before, Before.Replace("+", "-")));

        var compiled = run.Result.TrackedSteps[RecurrenceGenerator.CompileStep].SelectMany(step => step.Outputs).ToList();
        Assert.Equal("Fla.Ops.GatedLinearAttention", ((Compilation)Assert.Single(compiled, output => !IsCached(output.Reason)).Value).Name);
        Assert.All(Reasons(run, RecurrenceGenerator.CatalogueStep), reason => Assert.True(IsCached(reason)));
        Assert.Equal(["Fla.Ops.GatedLinearAttention.g.cs", "Fla.Ops.GatedLinearAttention.Torch.g.cs", "Fla.Ops.GatedLinearAttention.Gpu.g.cs", "Fla.Ops.GatedLinearAttention.Sources.g.cs"], Written(run));
    }

    [Fact]
    public void A_new_declaration_compiles_itself_and_joins_the_catalogue()
    {
        var run = GeneratorRun.Of(Ops).Then(Ops, Mistake.Usings + Mistake.Class("static Vec<K> Step(Vec<K> x, ref State<K> h) { h += x; return h; }"));
        Assert.Equal(["Gated.g.cs", "Gated.Torch.g.cs", "Gated.Gpu.g.cs", "Gated.Sources.g.cs", "Catalogue.g.cs"], Written(run));
    }

    [Fact]
    public void A_place_moves_with_the_text_above_it()
    {
        var mistake = Mistakes.All.First(mistake => mistake.Ids.Contains("FLA0015"));
        var run = GeneratorRun.Of(Mistake.Usings + MarkedSource.Parse(mistake.Source).Text);
        foreach (var moved in new[] { $"{Mistake.Usings}\n// Above.\n{mistake.Source}", (Mistake.Usings + mistake.Source).Replace("static Vec<V> Step", "// Inside.\n\n    static Vec<V> Step") })
        {
            var marked = MarkedSource.Parse(moved);
            run = run.Then(marked.Text);
            Assert.Equal(marked.Places, run.Reported.Select(report => report.Location.SourceSpan));
        }
    }

    private static IReadOnlyList<object> Values(GeneratorRun run, string step) =>
        run.Result.TrackedSteps.TryGetValue(step, out var runs) ? [.. runs.SelectMany(run => run.Outputs).Select(output => output.Value)] : [];

    private static IEnumerable<IncrementalStepRunReason> Reasons(GeneratorRun run, string step) => run.Result.TrackedSteps[step].SelectMany(run => run.Outputs).Select(output => output.Reason);

    private static bool IsCached(IncrementalStepRunReason reason) => reason is IncrementalStepRunReason.Cached or IncrementalStepRunReason.Unchanged;

    private static void AssertCached(GeneratorRun run)
    {
        Assert.All(Reasons(run, RecurrenceGenerator.CompileStep).Concat(Reasons(run, RecurrenceGenerator.CatalogueStep)), reason => Assert.True(IsCached(reason), reason.ToString()));
        Assert.All(run.Result.TrackedOutputSteps.SelectMany(step => step.Value).SelectMany(step => step.Outputs), output => Assert.Equal(IncrementalStepRunReason.Cached, output.Reason));
        Assert.Empty(Written(run));
    }

    /// <summary>The files that were not taken from the cache.</summary>
    private static IEnumerable<string> Written(GeneratorRun run) => run.Result.TrackedOutputSteps.SelectMany(step => step.Value).SelectMany(step => step.Outputs)
        .Where(output => !IsCached(output.Reason)).SelectMany(output => Texts(output.Value)).Distinct();

    /// <summary>The names in an output, whose type is Roslyn's own.</summary>
    private static IEnumerable<string> Texts(object output) => output is IEnumerable items
        ? items.Cast<object>().SelectMany(Texts)
        : output.GetType().GetProperty("HintName") is { } name ? [(string)name.GetValue(output)!]
        : output.GetType().GetFields().Select(field => field.GetValue(output)).OfType<IEnumerable>().SelectMany(Texts);

    /// <summary>Walks everything a model refers to.</summary>
    private static void AssertFreeOfRoslyn(object value, string path, HashSet<object> seen)
    {
        var type = value.GetType();
        Assert.False(type.Assembly.GetName().Name!.StartsWith("Microsoft.CodeAnalysis", StringComparison.Ordinal), $"{path} is a {type}");
        if (type.IsPrimitive || type.IsEnum || value is string || (!type.IsValueType && !seen.Add(value))) return;
        if (value is Array array)
        {
            foreach (var item in array)
                if (item is not null) AssertFreeOfRoslyn(item, $"{path}[]", seen);
            return;
        }

        for (var declaring = type; declaring is not null; declaring = declaring.BaseType)
        foreach (var field in declaring.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
            if (field.GetValue(value) is { } held) AssertFreeOfRoslyn(held, $"{path}.{field.Name}", seen);
    }
}
