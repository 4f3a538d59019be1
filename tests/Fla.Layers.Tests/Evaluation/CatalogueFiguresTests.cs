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

    /// <summary>Functions of inner products so steep that half precision keeps too little of these: see the test of it.</summary>
    private static readonly string[] TooFineForHalf = ["abc", "rebased"];

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

    private static ScalarType[] Types(string name) => TooFineForHalf.Contains(name) ? [ScalarType.Float32] : [ScalarType.Float32, ScalarType.BFloat16];

    [Theory]
    [MemberData(nameof(TooFine))]
    public void Exact_results_of_rounded_inputs_exceed_the_tolerance_once_rounded(string name)
    {
        static Tensor Rounded(Tensor tensor) => tensor.to(ScalarType.BFloat16).to(ScalarType.Float64);

        using var figures = OpFigures.Read(RepositoryFiles.Golden($"ops/{name}.safetensors"));
        var op = Catalogue.All.Single(op => op.Name == CatalogueNames.OpOf(name));
        var rounded = figures.Inputs.ToDictionary(input => input.Key, input => Rounded(input.Value));
        var finals = op.States.Zip(figures.StateGradients).Where(pair => pair.Second is not null).ToDictionary(pair => pair.First.Name, pair => pair.Second!);
        var exact = Oracle.Differentiate(op.Declaration, rounded, Rounded(figures.OutputGradient!), finals, scale: figures.Scale);
        Assert.True(RelativeError.Rms(Rounded(exact.Arguments["q"]), figures.Gradients["q"]) > OpVerification.ToleranceOf(ScalarType.BFloat16));
    }

    public static TheoryData<string> TooFine => [.. TooFineForHalf];

    [Fact]
    public void The_figures_of_the_first_catalogue_are_all_checked() =>
        Assert.Superset(new HashSet<string> { "linear_attn", "retention", "simple_gla", "gla", "gla_strong_decay" }, new HashSet<string>(Names));
}
