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
        foreach (var type in Types(name))
        foreach (var execution in Execution.Of(op))
        {
            var errors = OpVerification.Run(op, figures, execution, type, CPU);
            Assert.True(errors.Within(OpVerification.ToleranceOf(type)), $"{execution} in {type}: {errors}");
        }
    }

    /// <summary>ReBased divides squares of inner products, of which half precision keeps too little: see the test below.</summary>
    private static ScalarType[] Types(string name) => name == "rebased" ? [ScalarType.Float32] : [ScalarType.Float32, ScalarType.BFloat16];

    [Fact]
    public void Rounding_the_inputs_of_Rebased_to_half_precision_alone_exceeds_the_tolerance()
    {
        using var figures = OpFigures.Read(RepositoryFiles.Golden("ops/rebased.safetensors"));
        var rounded = new[] { "q", "k", "v" }.ToDictionary(name => name, name => figures.Inputs[name].to(ScalarType.BFloat16).to(ScalarType.Float64));
        var exact = Oracle.Differentiate(typeof(Rebased), rounded, figures.OutputGradient!, scale: figures.Scale);
        Assert.True(RelativeError.Rms(exact.Result.Output, figures.Output) > OpVerification.ToleranceOf(ScalarType.BFloat16));
        Assert.True(RelativeError.Rms(exact.Arguments["q"], figures.Gradients["q"]) > OpVerification.ToleranceOf(ScalarType.BFloat16));
    }

    [Fact]
    public void The_figures_of_the_first_catalogue_are_all_checked() =>
        Assert.Superset(new HashSet<string> { "linear_attn", "retention", "simple_gla", "gla", "gla_strong_decay" }, new HashSet<string>(Names));
}
