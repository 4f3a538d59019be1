using System.Runtime.InteropServices;

namespace Fla.Ops.Tests.Native;

/// <summary>A claim about 64-bit Linux, where TorchSharp's package brings the library in question.</summary>
public sealed class LinuxFactAttribute : FactAttribute
{
    public LinuxFactAttribute() => Skip = OnLinux.SkipElsewhere;
}

/// <summary>The same with data.</summary>
public sealed class LinuxTheoryAttribute : TheoryAttribute
{
    public LinuxTheoryAttribute() => Skip = OnLinux.SkipElsewhere;
}

internal static class OnLinux
{
    public static string? SkipElsewhere =>
        OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == Architecture.X64 ? null : "about 64-bit Linux";
}
