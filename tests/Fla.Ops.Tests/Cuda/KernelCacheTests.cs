using Fla.Dsl.Runtime.Cuda;

namespace Fla.Ops.Tests.Cuda;

public sealed class KernelCacheTests : IDisposable
{
    private static readonly CompiledKernel Kernel = new("Kernel_Test", [1, 2, 3, 4, 5]);

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("fla-cache-");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public void What_was_kept_is_found_by_another_process()
    {
        Cache.Keep(Key(), Kernel);
        var found = Cache.Find(Key());
        Assert.Equal(Kernel.EntryPoint, found!.EntryPoint);
        Assert.Equal(Kernel.Cubin, found.Cubin);
        Assert.Single(folder.GetFiles());
    }

    [Fact]
    public void A_damaged_file_is_not_found_and_is_written_anew()
    {
        Cache.Keep(Key(), Kernel);
        string file = folder.GetFiles().Single().FullName;
        byte[] whole = File.ReadAllBytes(file);
        for (int length = 0; length < whole.Length; length++)
        {
            File.WriteAllBytes(file, whole[..length]);
            Assert.Null(Cache.Find(Key()));
        }
        for (int at = 0; at < whole.Length; at++)
        {
            byte[] damaged = [.. whole];
            damaged[at] ^= 0x10;
            File.WriteAllBytes(file, damaged);
            Assert.Null(Cache.Find(Key()));
        }
        Cache.Keep(Key(), Kernel);
        Assert.NotNull(Cache.Find(Key()));
    }

    [Fact]
    public void A_folder_that_cannot_be_written_is_done_without()
    {
        string file = Path.Combine(folder.FullName, "file");
        File.WriteAllText(file, "");
        var cache = new KernelCache(Path.Combine(file, "below"));
        cache.Keep(Key(), Kernel);
        Assert.Null(cache.Find(Key()));
        new KernelCache(null).Keep(Key(), Kernel);
        Assert.Null(new KernelCache(null).Find(Key()));
    }

    [Fact]
    public void A_key_is_of_the_method_its_type_arguments_and_the_machine()
    {
        var products = KernelCompilerTests.Products;
        KernelKey[] keys =
        [
            Key(), Of<Size16, Size64>(), Of<Size64, Size16>(),
            KernelKey.Of(EmulatorTests.Method(nameof(Kernels.Ints)), "h100"),
            KernelKey.Of(EmulatorTests.Method(nameof(Kernels.Floats)), "a100"),
        ];
        Assert.Equal(keys.Length, keys.Distinct().Count());
        Assert.Equal(Key(), Key());

        KernelKey Of<M, N>() => KernelKey.Of(products.MakeGenericMethod(typeof(M), typeof(N), typeof(Size16)), "h100");
    }

    private KernelCache Cache => new(folder.FullName);

    private static KernelKey Key() => KernelKey.Of(EmulatorTests.Method(nameof(Kernels.Floats)), "h100");
}
