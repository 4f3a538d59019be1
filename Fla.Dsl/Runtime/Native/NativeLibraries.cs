using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Loader;

namespace Fla.Dsl.Runtime.Native;

/// <summary>
/// Sees to it that TorchSharp finds native libraries that load on this system, without the program having to do anything.
/// <list type="bullet">
/// <item>On 64-bit Linux with an older libstdc++ (Debian 12, Ubuntu 22.04), where TorchSharp's own library does not load as it is,
/// a mended copy from the user's cache is loaded in its place.</item>
/// <item>There libtorch's threads wait for one another in a way that does no harm beside other programs.</item>
/// <item>With <c>FLA_LIBTORCH</c> set to the folder of a Python PyTorch's libraries, those are used in place of NuGet's libtorch.</item>
/// </list>
/// Elsewhere nothing changes.
/// </summary>
public static class NativeLibraries
{
    private static readonly Lock Gate = new();
    private static bool installed;

    /// <summary>
    /// Makes the above so; must come before the first use of TorchSharp. This assembly calls it when it is loaded, and the generator
    /// has every assembly that declares a recurrence call it. It only registers for what may come, calling it again does nothing, and it
    /// never throws: what is wrong with the libraries is said, by a <see cref="NativeLibraryException"/>, at the first use of TorchSharp.
    /// </summary>
    public static void Install()
    {
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64) return;
        lock (Gate)
        {
            if (installed) return;
            installed = true;
            WaitingThreads.SpinBriefly();

            // .NET asks here only after it has failed to load a library itself: where all is well none of this runs.
            var context = AssemblyLoadContext.GetLoadContext(typeof(NativeLibraries).Assembly) ?? AssemblyLoadContext.Default;
            context.ResolvingUnmanagedDll += (assembly, name) => name == TorchSharpBackend.Name ? TorchSharpBackend.LoadFor(assembly) : 0;
            if (PythonTorch.Folder is null) return;

            // PyTorch's libraries have to be there before TorchSharp looks for any, and no earlier than the program comes to need them.
            AppDomain.CurrentDomain.AssemblyLoad += (_, loaded) => LoadIfTorchSharp(loaded.LoadedAssembly);
            foreach (var assembly in context.Assemblies) LoadIfTorchSharp(assembly);
        }
    }

    private static void LoadIfTorchSharp(Assembly assembly)
    {
        try
        {
            if (assembly.GetName().Name == TorchSharpBackend.Caller) TorchSharpBackend.LoadFor(assembly);
        }
        catch (NativeLibraryException)
        {
            // Kept, and thrown again at the first call into the library.
        }
    }

    // A library has to come before its users' first line here: that the user need not know of it is the point.
#pragma warning disable CA2255
    [ModuleInitializer]
    internal static void InstallOnLoad() => Install();
#pragma warning restore CA2255
}
