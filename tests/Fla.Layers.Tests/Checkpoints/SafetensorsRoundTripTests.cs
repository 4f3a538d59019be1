using CsCheck;
using Fla.Layers.Checkpoints;
using static TorchSharp.torch;

namespace Fla.Layers.Tests.Checkpoints;

public sealed class SafetensorsRoundTripTests : IDisposable
{
    private static readonly Gen<ScalarType> Types = Gen.OneOf(
        ScalarType.Float64, ScalarType.Float32, ScalarType.Float16, ScalarType.BFloat16,
        ScalarType.Int64, ScalarType.Int32, ScalarType.Int16, ScalarType.Int8, ScalarType.Byte, ScalarType.Bool);

    private static readonly Gen<(ScalarType Type, long[] Shape, int Seed)> Tensors =
        Gen.Select(Types, Gen.Long[0, 5].Array[0, 4], Gen.Int[0, 1_000_000]);

    private static readonly Gen<Dictionary<string, (ScalarType Type, long[] Shape, int Seed)>> Files =
        Gen.Dictionary(Gen.String[Gen.Char.AlphaNumeric, 1, 12], Tensors)[0, 8];

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Every_tensor_comes_back_bit_by_bit() => Files.Sample(
        files =>
        {
            using var scope = NewDisposeScope();
            var saved = files.ToDictionary(item => item.Key, item => Make(item.Value));
            var path = folder.File(Path.GetRandomFileName());
            SafetensorsFile.Save(path, saved);

            using var file = SafetensorsFile.Open(path);
            Assert.Equal(saved.Keys.Order(), file.Tensors.Keys.Order());
            var read = file.ReadAll();
            foreach (var (name, tensor) in saved) AssertSame(tensor, read[name]);
        },
        iter: 200);

    [Fact]
    public void A_file_of_every_type_holds_them_aligned_and_in_one_order()
    {
        using var scope = NewDisposeScope();
        var saved = new Dictionary<string, Tensor>
        {
            ["flag"] = tensor(new[] { true, false, true }),
            ["b"] = ones(3, dtype: ScalarType.BFloat16),
            ["z"] = ones(3, dtype: ScalarType.Float64),
            ["a"] = ones(3, dtype: ScalarType.Float16),
            ["i"] = ones(3, dtype: ScalarType.Int32),
        };
        SafetensorsFile.Save(folder.File("one"), saved);
        SafetensorsFile.Save(folder.File("two"), saved.Reverse().ToDictionary());
        Assert.Equal(File.ReadAllBytes(folder.File("one")), File.ReadAllBytes(folder.File("two")));

        using var file = SafetensorsFile.Open(folder.File("one"));
        Assert.Equal(["z", "i", "a", "b", "flag"], file.Tensors.Keys);
        Assert.Equal([0, 24, 36, 42, 48], file.Tensors.Values.Select(entry => entry.Begin));
        Assert.Equal(0, BitConverter.ToInt64(File.ReadAllBytes(folder.File("one"))) % 8);
    }

    [Fact]
    public void Metadata_and_names_keep_every_character()
    {
        using var scope = NewDisposeScope();
        var metadata = new Dictionary<string, string> { ["format"] = "pt", ["Ω \"\\\n"] = "𝛼 & <b>", [""] = "" };
        SafetensorsFile.Save(folder.File("m"), new Dictionary<string, Tensor> { ["größe/\"x\" 𝛼"] = ones(2), [""] = zeros(1) }, metadata);
        using var file = SafetensorsFile.Open(folder.File("m"));
        Assert.Equal(metadata, file.Metadata);
        Assert.Equal(["", "größe/\"x\" 𝛼"], file.Tensors.Keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Transposed_sliced_expanded_and_differentiated_tensors_are_saved_by_value()
    {
        using var scope = NewDisposeScope();
        var square = arange(12, dtype: ScalarType.Float32).view(3, 4);
        var saved = new Dictionary<string, Tensor>
        {
            ["transposed"] = square.t(),
            ["sliced"] = square.narrow(1, 1, 2),
            ["expanded"] = square.narrow(0, 1, 1).expand(5, 4),
            ["parameter"] = square.clone().requires_grad_(),
            ["number"] = tensor(3.5f),
        };
        SafetensorsFile.Save(folder.File("v"), saved);
        using var file = SafetensorsFile.Open(folder.File("v"));
        foreach (var (name, tensor) in saved)
        {
            var read = file.Read(name);
            AssertSame(tensor, read);
            Assert.False(read.requires_grad);
        }
    }

    [Fact]
    public void Saving_replaces_a_file_whole_or_not_at_all()
    {
        using var scope = NewDisposeScope();
        var path = folder.File("model");
        SafetensorsFile.Save(path, new Dictionary<string, Tensor> { ["a"] = ones(3) });
        using var old = SafetensorsFile.Open(path);

        var disposed = ones(2);
        disposed.Dispose();
        Assert.ThrowsAny<Exception>(() => SafetensorsFile.Save(path, new Dictionary<string, Tensor> { ["a"] = zeros(3), ["b"] = disposed }));
        AssertSame(ones(3), ReadBack(path, "a"));

        SafetensorsFile.Save(path, new Dictionary<string, Tensor> { ["a"] = zeros(3) });
        AssertSame(zeros(3), ReadBack(path, "a"));
        AssertSame(ones(3), old.Read("a"));
        Assert.Equal([path], Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void What_no_reader_would_take_is_not_written()
    {
        using var scope = NewDisposeScope();
        void Refuse(string name, Tensor tensor, string expected)
        {
            var e = Assert.Throws<ArgumentException>(() => SafetensorsFile.Save(folder.File("x"), new Dictionary<string, Tensor> { [name] = tensor }));
            Assert.Contains(expected, e.Message);
        }

        Refuse("c", zeros(2, dtype: ScalarType.ComplexFloat32), "tensor 'c': expected a type among F64");
        Refuse("__metadata__", zeros(2), "reserved");
        Refuse("half \ud835", zeros(2), "surrogate");
        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void Only_the_tensors_asked_for_are_held()
    {
        using var scope = NewDisposeScope();
        SafetensorsFile.Save(folder.File("l"), new Dictionary<string, Tensor> { ["a"] = ones(8), ["b"] = ones(8) });
        using var file = SafetensorsFile.Open(folder.File("l"));
        using var inner = NewDisposeScope();
        var a = file.Read("a");
        Assert.Equal(1, inner.DisposablesCount);
        AssertSame(ones(8), a);
    }

    [Fact]
    public void A_tensor_beyond_four_gibibytes_is_read_at_its_own_offset()
    {
        // Sparse on disk: only the header and the last tensor's four bytes are written.
        const long big = 5L << 30;
        var header = $$$"""{"big":{"dtype":"U8","shape":[{{{big}}}],"data_offsets":[0,{{{big}}}]},"last":{"dtype":"F32","shape":[],"data_offsets":[{{{big}}},{{{big + 4}}}]}}""";
        var path = folder.Write("huge", SafetensorsBytes.Of(header));
        using (var stream = new FileStream(path, FileMode.Append)) stream.SetLength(stream.Length + big + 4);
        using (var stream = new FileStream(path, FileMode.Open))
        {
            stream.Seek(-4, SeekOrigin.End);
            stream.Write(BitConverter.GetBytes(42f));
        }

        using var file = SafetensorsFile.Open(path);
        using var last = file.Read("last");
        Assert.Equal(42f, last.item<float>());
    }

    [Fact]
    public void A_file_of_the_peer_reads()
    {
        using var scope = NewDisposeScope();
        using var file = SafetensorsFile.Open(RepositoryFiles.Golden("ops/hgrn.safetensors"));
        Assert.Equal("B,T,D", file.Metadata["layout"]);
        Assert.Equal([2L, 75, 64], file.Tensors["in.x"].Shape);

        // The figures agree with the recurrence h = exp(g) h + x, so bytes, types and offsets were taken as meant.
        var all = file.ReadAll();
        var h = all["in.h0"];
        for (var t = 0; t < 75; t++) h = all["in.g"].select(1, t).exp() * h + all["in.x"].select(1, t);
        Assert.True((h - all["out.state0"]).abs().max().item<float>() < 1e-4);
    }

    private static Tensor ReadBack(string path, string name)
    {
        using var file = SafetensorsFile.Open(path);
        return file.Read(name);
    }

    private static Tensor Make((ScalarType Type, long[] Shape, int Seed) what)
    {
        // Every bit pattern, so that NaNs and infinities come along; a BOOL has two of them.
        var made = empty(what.Shape, dtype: what.Type);
        if (made.NumberOfElements == 0) return made;
        var bytes = made.view(-1).bytes;
        new Random(what.Seed).NextBytes(bytes);
        if (what.Type == ScalarType.Bool)
        {
            foreach (ref var value in bytes) value &= 1;
        }

        return made;
    }

    private static void AssertSame(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.dtype, actual.dtype);
        Assert.Equal(expected.shape, actual.shape);
        Assert.True(actual.is_contiguous());
        if (expected.NumberOfElements > 0)
            Assert.True(expected.detach().contiguous().view(-1).bytes.SequenceEqual(actual.view(-1).bytes));
    }
}
