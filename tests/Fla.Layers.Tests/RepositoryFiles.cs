namespace Fla.Layers.Tests;

/// <summary>Files of the repository that tests read in place.</summary>
internal static class RepositoryFiles
{
    private static readonly string Root = FindRoot();

    /// <summary>The path of a golden file, for example <c>ops/gla.safetensors</c>.</summary>
    public static string Golden(string relative) => Path.Combine(Root, "tests", "golden", relative);

    /// <summary>The path of a page of the documentation.</summary>
    public static string Doc(string relative) => Path.Combine(Root, "docs", relative);

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Fla.Dsl.sln"))) folder = folder.Parent;
        return folder?.FullName ?? throw new DirectoryNotFoundException($"no Fla.Dsl.sln above {AppContext.BaseDirectory}");
    }
}
