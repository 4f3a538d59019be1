using System.Runtime.InteropServices;

namespace Fla.Dsl.Runtime.Native;

/// <summary>
/// The libraries of a Python PyTorch in place of NuGet's libtorch: <c>FLA_LIBTORCH</c> names the folder, for example what
/// <c>python3 -c "import os, torch; print(os.path.join(os.path.dirname(torch.__file__), 'lib'))"</c> prints. On a machine that has
/// PyTorch with CUDA this saves a download of several gigabytes.
/// </summary>
internal static class PythonTorch
{
    /// <summary>The environment variable that names the folder.</summary>
    public const string Variable = "FLA_LIBTORCH";

    // What TorchSharp's library is linked against, and what a PyTorch with CUDA has beside it; each after what it needs itself.
    private static readonly (string Name, bool Required)[] Libraries =
        [("libc10.so", true), ("libtorch_cpu.so", true), ("libc10_cuda.so", false), ("libtorch_cuda.so", false), ("libtorch.so", true)];

    /// <summary>The folder that the environment asks for, or null.</summary>
    public static string? Folder => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } folder ? folder : null;

    /// <summary>The libraries to load from a folder, in the order to load them.</summary>
    /// <exception cref="NativeLibraryException">There is no such folder, or it lacks some of PyTorch's libraries.</exception>
    public static IReadOnlyList<string> LibrariesIn(string folder)
    {
        const string expected = "expected the folder of a Python PyTorch's libraries, such as .../site-packages/torch/lib";
        if (!Directory.Exists(folder)) throw new NativeLibraryException($"{Variable}={folder}: there is no such folder; {expected}.");

        List<string> found = [], lacking = [];
        foreach (var (name, required) in Libraries)
        {
            string library = Path.GetFullPath(Path.Combine(folder, name));
            if (File.Exists(library)) found.Add(library);
            else if (required) lacking.Add(name);
        }
        if (lacking.Count > 0)
            throw new NativeLibraryException($"{Variable}={folder}: {string.Join(", ", lacking)} not found there; {expected}.");
        return found;
    }

    /// <summary>
    /// Refuses a program that carries a libtorch of its own. TorchSharp asks .NET for <c>torch_cpu</c> by name before anything else, .NET
    /// finds the program's own, and two copies of libtorch end the process while they register the same operators.
    /// </summary>
    /// <exception cref="NativeLibraryException">One of <paramref name="nativeFolders"/> has another libtorch.</exception>
    public static void CheckAlone(string folder, IReadOnlyList<string> libraries, IEnumerable<string> nativeFolders)
    {
        const string name = "libtorch_cpu.so";
        if (NativeFolders.Find(name, nativeFolders) is not { } carried) return;
        if (RealPath(carried) == RealPath(libraries.Single(library => Path.GetFileName(library) == name))) return;
        throw new NativeLibraryException(
            $"{Variable}={folder} asks for PyTorch's libraries, but the program carries a libtorch itself, "
            + $"in {Path.GetDirectoryName(carried)}, and the two cannot be loaded together. Build the program without a reference to "
            + "a libtorch package (TorchSharp-cpu and its kin), or delete those files, or unset the variable.");
    }

    /// <summary>Loads libraries into the process, where those that need them find them by name.</summary>
    /// <exception cref="NativeLibraryException">One of them does not load.</exception>
    public static void Load(string folder, IEnumerable<string> libraries)
    {
        foreach (string library in libraries)
        {
            try
            {
                NativeLibrary.Load(library);
            }
            catch (DllNotFoundException e)
            {
                throw new NativeLibraryException($"{Variable}={folder}: {library} does not load: {e.Message}", e);
            }
        }
    }

    private static string RealPath(string file) =>
        File.ResolveLinkTarget(file, returnFinalTarget: true)?.FullName ?? Path.GetFullPath(file);
}
