using System.Runtime.CompilerServices;

namespace Fla.Ops.Tests;

/// <summary>What the generator gives every assembly that declares a recurrence: TorchSharp's libraries are seen to before its first line runs.</summary>
internal static class ModuleInitializer
{
    [ModuleInitializer]
    internal static void Install() => Fla.Dsl.Runtime.Native.NativeLibraries.Install();
}
