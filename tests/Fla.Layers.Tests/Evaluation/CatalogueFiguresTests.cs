using Fla.Dsl.Testing;
using Fla.Layers.Evaluation;
using Fla.Ops;
using static TorchSharp.torch;

namespace Fla.Layers.Tests.Evaluation;

/// <summary>The catalogue against the peer's figures.</summary>
public class CatalogueFiguresTests
{
    private static readonly string[] Names =
    [
        .. Directory.GetFiles(RepositoryFiles.Golden("ops"), "*.safetensors").Select(path => Path.GetFileNameWithoutExtension(path)!).Order()
            .Where(name => Catalogue.All.Any(op => op.Name == CatalogueNames.OpOf(name))),
    ];

    public static TheoryData<string> Figures => [.. Names];

    [Theory]
    [MemberData(nameof(Figures))]
    public void Every_mode_gives_the_peers_figures(string name)
    {
        var op = Catalogue.All.Single(op => op.Name == CatalogueNames.OpOf(name));
        using var figures = OpFigures.Read(RepositoryFiles.Golden($"ops/{name}.safetensors"));
        foreach (var type in (ScalarType[])[ScalarType.Float32, ScalarType.BFloat16])
        foreach (var execution in Execution.Of(op))
        {
            var errors = OpVerification.Run(op, figures, execution, type, CPU);
            Assert.True(errors.Within(OpVerification.ToleranceOf(type)), $"{execution} in {type}: {errors}");
        }
    }

    [Fact]
    public void The_figures_of_the_first_catalogue_are_all_checked() =>
        Assert.Superset(new HashSet<string> { "linear_attn", "retention", "simple_gla", "gla", "gla_strong_decay" }, new HashSet<string>(Names));
}
