using Fla.Dsl.Runtime.Native;

namespace Fla.Ops.Tests.Native;

public sealed class PythonTorchTests : IDisposable
{
    private static readonly string[] Cpu = ["libc10.so", "libtorch_cpu.so", "libtorch.so"];

    private readonly string root = Directory.CreateTempSubdirectory("fla-dsl-tests-").FullName;

    public void Dispose() => Directory.Delete(root, recursive: true);

    [Fact]
    public void Libraries_load_in_the_order_of_their_needs()
    {
        string folder = Folder("lib", [.. Cpu, "libtorch_cuda.so", "libc10_cuda.so", "libtorch_python.so"]);
        string[] order = ["libc10.so", "libtorch_cpu.so", "libc10_cuda.so", "libtorch_cuda.so", "libtorch.so"];
        Assert.Equal(order.Select(name => Path.Combine(folder, name)), PythonTorch.LibrariesIn(folder));
    }

    [Fact]
    public void PyTorch_need_not_have_CUDA()
    {
        string folder = Folder("lib", Cpu);
        Assert.Equal(Cpu.Select(name => Path.Combine(folder, name)), PythonTorch.LibrariesIn(folder));
    }

    [Fact]
    public void A_folder_that_does_not_exist_is_named_with_the_variable() => Refuses(Path.Combine(root, "none"), "no such folder");

    [Fact]
    public void What_a_folder_lacks_is_named() => Refuses(Folder("lib", "libc10.so"), "libtorch_cpu.so, libtorch.so not found");

    [Fact]
    public void A_program_with_a_libtorch_of_its_own_is_refused()
    {
        string folder = Folder("lib", Cpu), own = Folder("program", Cpu);
        var libraries = PythonTorch.LibrariesIn(folder);
        string message = Assert.Throws<NativeLibraryException>(() => PythonTorch.CheckAlone(folder, libraries, [root, own])).Message;
        Assert.StartsWith($"FLA_LIBTORCH={folder} ", message);
        Assert.Contains($" {own},", message);
    }

    [Fact]
    public void A_program_without_a_libtorch_or_with_that_very_one_is_not()
    {
        string folder = Folder("lib", Cpu), linked = Folder("program");
        File.CreateSymbolicLink(Path.Combine(linked, "libtorch_cpu.so"), Path.Combine(folder, "libtorch_cpu.so"));
        PythonTorch.CheckAlone(folder, PythonTorch.LibrariesIn(folder), [root]);
        PythonTorch.CheckAlone(folder, PythonTorch.LibrariesIn(folder), [root, folder]);
        PythonTorch.CheckAlone(folder, PythonTorch.LibrariesIn(folder), [root, linked]);
    }

    [LinuxFact]
    public void A_library_that_does_not_load_is_named_with_the_variable()
    {
        string folder = Folder("lib", Cpu);
        string message = Assert.Throws<NativeLibraryException>(() => PythonTorch.Load(folder, PythonTorch.LibrariesIn(folder))).Message;
        Assert.StartsWith($"FLA_LIBTORCH={folder}: {Path.Combine(folder, "libc10.so")} does not load", message);
    }

    private static void Refuses(string folder, string complaint)
    {
        string message = Assert.Throws<NativeLibraryException>(() => PythonTorch.LibrariesIn(folder)).Message;
        Assert.StartsWith($"FLA_LIBTORCH={folder}: ", message);
        Assert.Contains(complaint, message);
    }

    private string Folder(string name, params string[] files)
    {
        string folder = Directory.CreateDirectory(Path.Combine(root, name)).FullName;
        foreach (string file in files) File.WriteAllText(Path.Combine(folder, file), "no library");
        return folder;
    }
}
