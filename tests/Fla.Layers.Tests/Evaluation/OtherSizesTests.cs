using Fla.Dsl.Testing;
using Fla.Layers.Evaluation;
using Fla.Ops;
using static TorchSharp.torch;

namespace Fla.Layers.Tests.Evaluation;

/// <summary>Figures of the peer's form at sizes other than the peer's, and where sizes coincide that have different names.</summary>
public sealed class OtherSizesTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    /// <summary>The names of figures there are files of, and of those the catalogue has an op for without one.</summary>
    public static TheoryData<string> Names =>
    [
        .. Directory.GetFiles(RepositoryFiles.Golden("ops"), "*.safetensors").Select(path => Path.GetFileNameWithoutExtension(path)!)
            .Append("lightning_attn").Order(),
    ];

    public void Dispose() => folder.Dispose();

    // Features are as many as the pairs of a key's elements, and the oracle's time is theirs.
    [Theory]
    [MemberData(nameof(Names))]
    public void Every_mode_gives_figures_of_several_chunks_and_unequal_dimensions(string name) =>
        Verify(name, new(1, 200, 3, k: HasFeatures(name) ? 12 : 64, v: 48, m: 32, d: 144, n: 32), Tolerance);

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_mode_gives_figures_of_one_chunk(string name) =>
        Verify(name, new(3, 33, 1, k: 16, v: 32, m: 8, d: 48, n: 16), Tolerance);

    [Theory]
    [MemberData(nameof(Names))]
    public void Equal_sizes_are_not_taken_for_one_another(string name) =>
        Verify(name, new(4, 4, 4, k: 4, v: 4, m: 4, d: 4, n: 4), Tolerance);

    // Among these first tokens are queries that meet no key: their own features cancel to a few units in the last place of their terms,
    // and errors come to 3e-4 where that is done term by term.
    [Fact]
    public void Features_that_nearly_cancel_lose_nothing() =>
        Verify("rebased", new(3, 96, 3, k: 32, v: 32, m: 32, d: 96, n: 32), tolerance: 1e-5);

    private static double Tolerance => OpVerification.ToleranceOf(ScalarType.Float32);

    private static bool HasFeatures(string name) => name is "based" or "based_unnormalized" or "rebased";

    private void Verify(string name, FigureSizes sizes, double tolerance)
    {
        var op = Catalogue.All.Single(op => op.Name == CatalogueNames.OpOf(name));
        DrawnFigures.Save(name, sizes, folder.File(name));
        using var figures = OpFigures.Read(folder.File(name));
        foreach (var execution in Execution.Of(op))
        {
            var errors = OpVerification.Run(op, figures, execution, ScalarType.Float32, CPU);
            Assert.True(errors.Within(tolerance), $"{sizes}, {execution}: {errors}");
        }
    }
}
