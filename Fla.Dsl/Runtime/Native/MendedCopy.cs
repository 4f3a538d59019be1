using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Fla.Dsl.Runtime.Native;

/// <summary>
/// Mended copies of a library (<see cref="ElfMend"/>) in the user's cache: <c>fla-dsl/native/{hash of the content}/{name}</c> under
/// <c>$XDG_CACHE_HOME</c> or <c>~/.cache</c>. The library itself is never written to: it is often NuGet's own file, by a link.
/// </summary>
internal static class MendedCopy
{
    /// <summary>Loads the mended copy of a library, which is made first if there is none.</summary>
    /// <exception cref="NativeLibraryException">The library cannot be read or mended, or the copy cannot be written or loaded.</exception>
    public static nint Load(string library)
    {
        byte[] content = Mend(library);
        try
        {
            if (UserCache.Folder() is { } cache && TryKeep(cache, Path.GetFileName(library), content) is { } kept)
                return LoadAs(kept, library);

            // No home, a full disk, a read-only cache: the library is needed all the same. The folder is this user's alone, and the
            // loader keeps hold of what it has loaded, so the file may go at once.
            var folder = Directory.CreateTempSubdirectory("fla-dsl-");
            try
            {
                string copy = Path.Combine(folder.FullName, Path.GetFileName(library));
                File.WriteAllBytes(copy, content);
                return LoadAs(copy, library);
            }
            finally
            {
                folder.Delete(recursive: true);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new NativeLibraryException(
                $"A mended copy of {library} can be written neither to the user's cache nor to {Path.GetTempPath()}: {e.Message}", e);
        }
    }

    /// <summary>The mended content of a library.</summary>
    public static byte[] Mend(string library)
    {
        string failed = $"{library} needs a newer libstdc++ than this system has, and cannot be";
        try
        {
            return ElfMend.Apply(File.ReadAllBytes(library));
        }
        catch (NativeLibraryException e)
        {
            throw new NativeLibraryException($"{failed} mended: {e.Message}.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new NativeLibraryException($"{failed} read to be mended: {e.Message}", e);
        }
    }

    /// <summary>The path of a file with that content in the cache, or null where the cache cannot be written.</summary>
    public static string? TryKeep(string cache, string name, byte[] content)
    {
        string folder = Path.Combine(cache, "fla-dsl", "native", Convert.ToHexStringLower(SHA256.HashData(content)));
        string path = Path.Combine(folder, name);
        try
        {
            // A file of that name may be cut short or tampered with: only its content says what it is.
            if (File.Exists(path) && content.AsSpan().SequenceEqual(File.ReadAllBytes(path))) return path;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Unreadable: written anew below.
        }

        string? unfinished = null;
        try
        {
            Directory.CreateDirectory(folder);
            // Another process may be writing the same, or have it loaded: a rename gives each a whole file and leaves what is loaded alone.
            unfinished = Path.Combine(folder, $".{name}.{Guid.NewGuid():n}");
            File.WriteAllBytes(unfinished, content);
            File.Move(unfinished, path, overwrite: true);
            return path;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (File.Exists(unfinished)) File.Delete(unfinished);
            return null;
        }
    }

    private static nint LoadAs(string copy, string library)
    {
        try
        {
            return NativeLibrary.Load(copy);
        }
        catch (DllNotFoundException e)
        {
            throw new NativeLibraryException($"{copy}, a copy of {library} mended for this libstdc++, does not load: {e.Message}", e);
        }
    }
}
