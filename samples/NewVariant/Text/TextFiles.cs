using System.IO.Enumeration;
using System.Text.Unicode;

namespace NewVariant.Text;

/// <summary>The files that people wrote: text, and not what a build or another tool put there.</summary>
internal static class TextFiles
{
    private static readonly HashSet<string> SkippedFolders = ["bin", "obj", "artifacts", "node_modules", "packages", "TestResults"];

    // What a compiler or a snapshot test wrote.
    private static readonly string[] GeneratedMarks = [".g.", ".designer.", ".verified.", ".received.", ".sln"];

    /// <summary>A file, or those under a folder in ordinal order of their paths, each with its bytes.</summary>
    /// <exception cref="UserError">There is nothing at the path.</exception>
    public static IEnumerable<(string Path, byte[] Bytes)> Read(string path)
    {
        if (File.Exists(path))
        {
            var bytes = File.ReadAllBytes(path);
            return IsText(bytes) ? [(path, bytes)] : throw new UserError($"expected text in {path}, found a binary file");
        }

        if (!Directory.Exists(path)) throw new UserError($"expected a file or folder of text, found none at {path}");
        return Under(path).Order(StringComparer.Ordinal).Select(file => (file, File.ReadAllBytes(file))).Where(file => IsText(file.Item2));
    }

    private static FileSystemEnumerable<string> Under(string folder)
    {
        // Hidden are .git and its like; links could lead round in circles.
        var options = new EnumerationOptions
        {
            RecurseSubdirectories = true,
            IgnoreInaccessible = true,
            AttributesToSkip = FileAttributes.Hidden | FileAttributes.System | FileAttributes.ReparsePoint,
        };
        return new(folder, (ref FileSystemEntry entry) => entry.ToFullPath(), options)
        {
            ShouldRecursePredicate = (ref FileSystemEntry entry) => !SkippedFolders.Contains(entry.FileName.ToString()),
            ShouldIncludePredicate = (ref FileSystemEntry entry) => !entry.IsDirectory && !IsGenerated(entry.FileName),
        };
    }

    private static bool IsGenerated(ReadOnlySpan<char> name)
    {
        foreach (var mark in GeneratedMarks)
            if (name.Contains(mark, StringComparison.Ordinal))
                return true;
        return false;
    }

    private static bool IsText(byte[] bytes) => Utf8.IsValid(bytes) && !bytes.Contains((byte)0);
}
