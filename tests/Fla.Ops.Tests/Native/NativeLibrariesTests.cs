using System.Diagnostics;
using Fla.Dsl.Runtime.Native;
using TorchSharp;

namespace Fla.Ops.Tests.Native;

public class NativeLibrariesTests
{
    [Fact]
    public void TorchSharp_works_with_no_special_call()
    {
        using var ones = torch.ones(2);
        using var sum = ones.sum();
        Assert.Equal(2f, sum.item<float>());
    }

    [Fact]
    public void Installing_again_changes_nothing()
    {
        NativeLibraries.Install();
        NativeLibraries.Install();
        TorchSharp_works_with_no_special_call();
    }

    [LinuxFact]
    public void A_mended_copy_is_loaded_only_where_the_system_needs_one()
    {
        TorchSharp_works_with_no_special_call();
        string standard = Assert.Single(Loaded("libstdc++.so"));
        bool needed = File.ReadAllBytes(standard).AsSpan().IndexOf("GLIBCXX_3.4.32"u8) < 0;
        string loaded = Assert.Single(Loaded("libLibTorchSharp.so"));
        Assert.Equal(needed, loaded != TorchSharpLibrary.Instance.Path);
    }

    [LinuxFact]
    public async Task What_is_wrong_with_FLA_LIBTORCH_is_said_by_the_first_use_of_torch()
    {
        // The variable is read once a process, and TorchSharp is already in use in this one: another process runs the first claim above.
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            ArgumentList = { "test", typeof(ElfMendTests).Assembly.Location, "--filter", nameof(TorchSharp_works_with_no_special_call) },
            Environment = { [PythonTorch.Variable] = "/there/is/no/such/folder" },
            RedirectStandardOutput = true,
        };
        using var process = Process.Start(start)!;
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();

        Assert.NotEqual(0, process.ExitCode);
        Assert.Contains($"{nameof(NativeLibraryException)} : FLA_LIBTORCH=/there/is/no/such/folder: there is no such folder", output);
        Assert.DoesNotContain("LoadNativeBackend", output);
    }

    /// <summary>The files of that name that this process has loaded.</summary>
    private static string[] Loaded(string name) =>
    [
        .. File.ReadLines("/proc/self/maps")
            .Select(line => line[(line.LastIndexOf(' ') + 1)..])
            .Where(path => Path.GetFileName(path).StartsWith(name, StringComparison.Ordinal))
            .Distinct(),
    ];
}
