using Fla.Dsl.Runtime.Native;

namespace Fla.Ops.Tests.Native;

public sealed class MendedCopyTests : IDisposable
{
    private const string Name = "lib.so";

    private readonly string cache = Directory.CreateTempSubdirectory("fla-dsl-tests-").FullName;
    private readonly byte[] content = [.. Enumerable.Range(0, 1 << 20).Select(i => (byte)(i * 31))];

    public void Dispose() => Directory.Delete(cache, recursive: true);

    [Fact]
    public void Many_writers_at_once_leave_one_whole_file()
    {
        string?[] paths = new string?[16];
        Parallel.For(0, paths.Length, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i =>
        {
            paths[i] = MendedCopy.TryKeep(cache, Name, content);
            Assert.Equal(content, File.ReadAllBytes(paths[i]!));
        });
        Assert.Equal(Assert.Single(paths.Distinct()), Assert.Single(Directory.GetFiles(cache, "*", SearchOption.AllDirectories)));
    }

    [Fact]
    public void A_good_copy_is_kept()
    {
        string path = MendedCopy.TryKeep(cache, Name, content)!;
        var written = File.GetLastWriteTimeUtc(path);
        Assert.Equal(path, MendedCopy.TryKeep(cache, Name, content));
        Assert.Equal(written, File.GetLastWriteTimeUtc(path));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1000)]
    [InlineData(1 << 20)]
    public void A_damaged_copy_is_written_anew(int length)
    {
        string path = MendedCopy.TryKeep(cache, Name, content)!;
        File.WriteAllBytes(path, [.. content.Take(length).Select(b => (byte)~b)]);
        Assert.Equal(path, MendedCopy.TryKeep(cache, Name, content));
        Assert.Equal(content, File.ReadAllBytes(path));
    }

    [Fact]
    public void Other_content_goes_to_another_place() =>
        Assert.NotEqual(MendedCopy.TryKeep(cache, Name, content), MendedCopy.TryKeep(cache, Name, [.. content, 0]));

    [Fact]
    public void A_cache_that_cannot_be_written_is_done_without()
    {
        string file = Path.Combine(cache, "a file, not a folder");
        File.WriteAllBytes(file, []);
        Assert.Null(MendedCopy.TryKeep(file, Name, content));
    }

    [Fact]
    public void A_library_that_cannot_be_mended_is_named_with_the_reason()
    {
        string library = Path.Combine(cache, "libNoise.so");
        File.WriteAllBytes(library, content);
        string message = Assert.Throws<NativeLibraryException>(() => MendedCopy.Mend(library)).Message;
        Assert.StartsWith(library, message);
        Assert.Contains("not an ELF file", message);
    }

    [Fact]
    public void A_library_that_cannot_be_read_is_named()
    {
        string library = Path.Combine(cache, "libNone.so");
        Assert.StartsWith(library, Assert.Throws<NativeLibraryException>(() => MendedCopy.Mend(library)).Message);
    }
}
