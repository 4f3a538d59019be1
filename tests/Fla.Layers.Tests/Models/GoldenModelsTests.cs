using Fla.Layers.Evaluation;

namespace Fla.Layers.Tests.Models;

public class GoldenModelsTests
{
    private static readonly string[] Names =
        [.. Directory.GetDirectories(RepositoryFiles.Golden("models")).Select(folder => Path.GetFileName(folder)!).Order()];

    public static TheoryData<string> Folders => [.. Names];

    /// <summary>The folders that are named for a family, whose options are those that it has by default.</summary>
    public static TheoryData<string> Families => [.. Names.Where(name => !name.EndsWith("-options", StringComparison.Ordinal))];

    [Theory]
    [MemberData(nameof(Folders))]
    public void A_checkpoint_gives_its_figures_at_once_cached_packed_padded_and_greedily(string name)
    {
        var checks = ModelVerification.Run(RepositoryFiles.Golden($"models/{name}"));
        Assert.Equal(7, checks.Count);
        Assert.All(checks, check => Assert.True(check.Within(ModelVerification.Tolerance), check.ToString()));
    }
}
