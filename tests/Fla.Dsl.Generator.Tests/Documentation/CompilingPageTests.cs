using System.Text.RegularExpressions;
using Fla.Dsl.Generator.Lowering;
using Fla.Dsl.Generator.Tests.Running;

namespace Fla.Dsl.Generator.Tests.Documentation;

/// <summary>The listings of docs/compiling.md are lines that the compiler prints of the two operators it tells of, or writes.</summary>
public class CompilingPageTests
{
    private static readonly string[] Told = ["GatedLinearAttention", "GatedDeltaRule"];

    private static readonly string Text = new Page("compiling.md").Text;

    [Fact]
    public void Its_programs_are_what_the_passes_give()
    {
        var printed = Told.SelectMany(Passes).SelectMany(Lines).ToHashSet();
        var shown = Blocks("text").Where(block => block.Contains('%') || block.StartsWith("state ", StringComparison.Ordinal)).SelectMany(Lines)
            .Where(line => line.Length > 0 && "%sdwoD".Contains(line[0]));
        Assert.NotEmpty(shown);
        Assert.All(shown, line => Assert.Contains(line, printed));
    }

    [Fact]
    public void Its_generated_code_is_what_is_generated()
    {
        var written = Lines(Run("GatedLinearAttention").File("Fla.Ops.GatedLinearAttention.Torch.g.cs")).ToHashSet();
        var shown = Blocks("cs").Where(block => block.StartsWith("// Forward", StringComparison.Ordinal)).SelectMany(Lines);
        Assert.NotEmpty(shown);
        Assert.All(shown, line => Assert.Contains(line, written));
    }

    private static GeneratorRun Run(string op) => GeneratorRun.Of("Fla.Ops", [RepositoryFiles.Read("Fla.Ops", $"{op}.cs")]);

    private static List<string> Passes(string op)
    {
        var passes = new List<string>();
        Pipeline.Compile(Run(op).Parsed.Single().Declaration!, (_, result) => passes.Add(PassText.Of(result)));
        return passes;
    }

    private static IEnumerable<string> Lines(string text) => text.Split('\n').Select(line => line.Trim());

    private static IEnumerable<string> Blocks(string language) =>
        Regex.Matches(Text, $"^```{language}\n(.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline).Select(match => match.Groups[1].Value);
}
