namespace Fla.Dsl.Runtime.Native;

/// <summary>The folders in which a program's native libraries lie.</summary>
internal static class NativeFolders
{
    /// <summary>
    /// Where .NET itself looks (from the program's <c>deps.json</c>), the program's folder, and the folders of TorchSharp's assembly:
    /// in a notebook or script that one is loaded from NuGet's cache, with its native half in the same package.
    /// </summary>
    /// <param name="torchSharp">The path of TorchSharp's assembly; empty where a program is a single file.</param>
    public static IReadOnlyList<string> Of(string torchSharp)
    {
        const string natives = "runtimes/linux-x64/native";
        var probed = AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string ?? "";
        List<string> folders = [.. probed.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries), AppContext.BaseDirectory];
        folders.Add(Path.Combine(AppContext.BaseDirectory, natives));
        if (Path.GetDirectoryName(torchSharp) is { Length: > 0 } assembly)
        {
            folders.Add(assembly);
            folders.Add(Path.Combine(assembly, natives));
            folders.Add(Path.GetFullPath(Path.Combine(assembly, "../..", natives)));
        }
        return [.. folders.Distinct()];
    }

    /// <summary>The first file of that name in <paramref name="folders"/>, or null.</summary>
    public static string? Find(string name, IEnumerable<string> folders) =>
        folders.Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);
}
