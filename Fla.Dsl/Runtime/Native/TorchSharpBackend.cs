using System.Reflection;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace Fla.Dsl.Runtime.Native;

/// <summary>TorchSharp's native half (<c>libLibTorchSharp.so</c>), loaded once, from wherever and in whatever way it can be.</summary>
internal static class TorchSharpBackend
{
    /// <summary>The name by which managed code calls it.</summary>
    public const string Name = "LibTorchSharp";

    /// <summary>The assembly that almost all calls come from.</summary>
    public const string Caller = "TorchSharp";

    private const string FileName = "libLibTorchSharp.so";

    // What it is linked against, each after what it needs itself.
    private static readonly string[] Libtorch = ["libc10.so", "libtorch_cpu.so", "libtorch.so"];

    private static readonly Lock Gate = new();
    private static Outcome? outcome;
    private static Assembly? answered;

    /// <summary>How loading ended: a handle, or why there is none, or neither where the case is not ours.</summary>
    private sealed record Outcome(nint Handle, NativeLibraryException? Failure = null);

    /// <summary>Loads it for the assembly that calls it; zero leaves the matter to TorchSharp, which tries more ways.</summary>
    /// <exception cref="NativeLibraryException">It could not be loaded, and nothing after this would tell the user why.</exception>
    public static nint LoadFor(Assembly caller)
    {
        lock (Gate)
        {
            var (handle, failure) = outcome ??= LoadOrExplain(caller.Location);
            if (handle == 0 && failure is null) return 0;
            if (!TryAnswer(caller)) return Answer();

            // TorchSharp swallows what goes wrong while it looks for the library, copies libtorch about and blames a missing package.
            // With any handle it goes on to its first call, and that one is answered with the failure itself.
            return failure is null ? handle : NativeLibrary.GetMainProgramHandle();
        }
    }

    /// <summary>
    /// From here on answers every call that TorchSharp makes into the library. What an event told .NET once it asks again for each
    /// of the more than a thousand functions, every time after it has searched all folders in vain.
    /// </summary>
    private static bool TryAnswer(Assembly caller)
    {
        // Other assemblies make few such calls, and a second resolver is an error: theirs are for them to set.
        if (caller == answered) return true;
        if (answered is not null || caller.GetName().Name != Caller) return false;
        try
        {
            NativeLibrary.SetDllImportResolver(caller, static (name, _, _) => name == Name ? Answer() : 0);
            answered = caller;
            return true;
        }
        catch (InvalidOperationException)
        {
            // The program has set one of its own. It comes first, and where it has no answer the event is raised as before.
            return false;
        }
    }

    private static nint Answer()
    {
        var (handle, failure) = outcome!;
        if (failure is not null) ExceptionDispatchInfo.Throw(failure);
        return handle;
    }

    private static Outcome LoadOrExplain(string torchSharp)
    {
        try
        {
            return new Outcome(Load(NativeFolders.Of(torchSharp), PythonTorch.Folder));
        }
        catch (NativeLibraryException e)
        {
            return new Outcome(0, e);
        }
    }

    private static nint Load(IReadOnlyList<string> folders, string? pythonTorch)
    {
        if (pythonTorch is not null)
        {
            var libraries = PythonTorch.LibrariesIn(pythonTorch);
            PythonTorch.CheckAlone(pythonTorch, libraries, folders);
            PythonTorch.Load(pythonTorch, libraries);
        }

        if (NativeFolders.Find(FileName, folders) is not { } library)
        {
            if (pythonTorch is null) return 0;
            throw new NativeLibraryException($"{FileName}, TorchSharp's own library, is in none of {string.Join(", ", folders)}.");
        }

        // The mended copy lies elsewhere and would not find libtorch beside it: what is loaded already is found by its name.
        if (pythonTorch is null)
            foreach (string name in Libtorch)
                if (NativeFolders.Find(name, folders) is { } needed) NativeLibrary.TryLoad(needed, out _);

        try
        {
            return NativeLibrary.Load(library);
        }
        catch (DllNotFoundException e) when (e.Message.Contains(ElfMend.MissingVersion, StringComparison.Ordinal))
        {
            return MendedCopy.Load(library);
        }
        catch (DllNotFoundException e)
        {
            if (pythonTorch is null) return 0;
            throw new NativeLibraryException($"{library} does not load with {PythonTorch.Variable}={pythonTorch}: {e.Message}", e);
        }
    }
}
