using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Fla.Dsl.Runtime.Cuda;

/// <summary>
/// Compiled kernels on disk, one file each. It only ever saves time: where nothing can be kept or read, kernels are compiled.
/// </summary>
/// <param name="folder">Where they lie; null where there is no such place.</param>
internal sealed class KernelCache(string? folder)
{
    /// <summary>The environment variable that names the folder.</summary>
    public const string Variable = "FLA_CACHE";

    // A file has the hash of all that follows, the length of the entry point's name, the name, and the code.
    private const int HashBytes = SHA256.HashSizeInBytes, HeaderBytes = HashBytes + sizeof(int);

    /// <summary>The cache in <c>$FLA_CACHE</c>, or else in <c>fla-dsl/kernels</c> of the user's cache.</summary>
    public static KernelCache Default { get; } = new(DefaultFolder());

    /// <summary>The kernel of that key; null if there is none, or its file is damaged.</summary>
    public CompiledKernel? Find(KernelKey key)
    {
        if (PathOf(key) is not { } path) return null;
        try
        {
            byte[] file = File.ReadAllBytes(path);
            if (file.Length < HeaderBytes) return null;
            if (!file.AsSpan(0, HashBytes).SequenceEqual(SHA256.HashData(file.AsSpan(HashBytes)))) return null;
            int name = BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(HashBytes));
            return new CompiledKernel(Encoding.UTF8.GetString(file, HeaderBytes, name), file[(HeaderBytes + name)..]);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Keeps a kernel, if that is possible.</summary>
    public void Keep(KernelKey key, CompiledKernel kernel)
    {
        if (PathOf(key) is not { } path) return;
        byte[] name = Encoding.UTF8.GetBytes(kernel.EntryPoint);
        byte[] file = [.. new byte[HeaderBytes], .. name, .. kernel.Cubin];
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(HashBytes), name.Length);
        SHA256.HashData(file.AsSpan(HashBytes), file);
        // Another process may read it, or write the same, at this moment: each sees a whole file.
        string unfinished = $"{path}.{Guid.NewGuid():n}";
        try
        {
            Directory.CreateDirectory(folder!);
            File.WriteAllBytes(unfinished, file);
            File.Move(unfinished, path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (File.Exists(unfinished)) File.Delete(unfinished);
        }
    }

    private string? PathOf(KernelKey key) => folder is null ? null : Path.Combine(folder, key.Hash + ".cubin");

    private static string? DefaultFolder()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named) return named;
        return UserCache.Folder() is { } cache ? Path.Combine(cache, "fla-dsl", "kernels") : null;
    }
}
