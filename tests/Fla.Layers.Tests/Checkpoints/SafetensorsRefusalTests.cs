using System.Text;
using CsCheck;
using Fla.Layers.Checkpoints;
using static TorchSharp.torch;

namespace Fla.Layers.Tests.Checkpoints;

public sealed class SafetensorsRefusalTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("", 0, "came an empty one")]
    [InlineData("[]", 0, "starts with '{'")]
    [InlineData(" {}", 0, "starts with '{'")]
    [InlineData("{", 0, "JSON")]
    [InlineData("{} x", 0, "JSON")]
    [InlineData("{}\0", 0, "JSON")]
    [InlineData("""{"\ud800": {}}""", 0, "UTF-16")]
    [InlineData("""{"__metadata__": null}""", 0, "__metadata__ to be an object of strings, came Null")]
    [InlineData("""{"__metadata__": {"a": 1}}""", 0, "strings, came Number for 'a'")]
    [InlineData("""{"__metadata__": {"a": "\udc00"}}""", 0, "surrogate")]
    [InlineData("""{"__metadata__": {"a": "", "a": ""}}""", 0, "twice")]
    [InlineData("{}", 4, "cover 0 bytes of data, but the file holds 4")]
    public void A_malformed_header_is_refused(string header, int data, string expected) => Refuse(SafetensorsBytes.Of(header, data), expected);

    [Theory]
    [InlineData("[]", 0, "came Array")]
    [InlineData("{}", 0, "expected a field dtype")]
    [InlineData("""{"dtype":"F32","shape":[1]}""", 4, "expected a field data_offsets")]
    [InlineData("""{"dtype":5,"shape":[1],"data_offsets":[0,4]}""", 4, "dtype to be of kind String, came Number")]
    [InlineData("""{"dtype":"F32","shape":1,"data_offsets":[0,4]}""", 4, "shape to be of kind Array, came Number")]
    [InlineData("""{"dtype":"F32","shape":[1],"data_offsets":{}}""", 4, "data_offsets to be of kind Array, came Object")]
    [InlineData("""{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}""", 4, "twice")]
    [InlineData("""{"dtype":"f32","shape":[1],"data_offsets":[0,4]}""", 4, "dtype among F64, F32")]
    [InlineData("""{"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]}""", 4, "came 'F8_E4M3'")]
    [InlineData("""{"dtype":"\ud800","shape":[4],"data_offsets":[0,4]}""", 4, "surrogate")]
    [InlineData("""{"dtype":"F32","shape":["1"],"data_offsets":[0,4]}""", 4, "shape to hold integers")]
    [InlineData("""{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}""", 4, "came 1.5")]
    [InlineData("""{"dtype":"F32","shape":[-1,-1],"data_offsets":[0,4]}""", 4, "came -1")]
    [InlineData("""{"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,4]}""", 4, "came 9223372036854775808")]
    [InlineData("""{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}""", 0, "shape of at most")]
    [InlineData("""{"dtype":"F32","shape":[4294967296,0,4294967296],"data_offsets":[0,0]}""", 0, "shape of at most")]
    [InlineData("""{"dtype":"F32","shape":[1],"data_offsets":[0]}""", 4, "two data_offsets, came 1")]
    [InlineData("""{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}""", 4, "two data_offsets, came 3")]
    [InlineData("""{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}""", 4, "came -4")]
    [InlineData("""{"dtype":"F32","shape":[1],"data_offsets":[4,0]}""", 4, "rising order, came [4, 0]")]
    [InlineData("""{"dtype":"F32","shape":[2],"data_offsets":[0,4]}""", 4, "F32 [2] takes 8 bytes, its data_offsets hold 4")]
    [InlineData("""{"dtype":"F32","shape":[],"data_offsets":[0,0]}""", 0, "F32 [] takes 4 bytes")]
    [InlineData("""{"dtype":"F32","shape":[2],"data_offsets":[0,8]}""", 4, "end by 4, where the file does, came 8")]
    [InlineData("""{"dtype":"F32","shape":[1],"data_offsets":[4,8]}""", 8, "belong to no tensor")]
    public void A_malformed_tensor_is_refused_by_name(string entry, int data, string expected)
    {
        var e = Refuse(SafetensorsBytes.Of($$"""{"the one": {{entry}}}""", data), expected);
        if (!expected.Contains("twice")) Assert.Equal("the one", e.Tensor);
    }

    [Theory]
    [InlineData(0, 4, 2, 6, "'b': expected its data after that of 'a'")]
    [InlineData(0, 4, 0, 4, "overlap")]
    [InlineData(0, 4, 6, 10, "belong to no tensor")]
    [InlineData(4, 8, 0, 4, null)]
    public void Data_belongs_to_exactly_one_tensor(int beginA, int endA, int beginB, int endB, string? expected)
    {
        static string Entry(int begin, int end) => $$"""{"dtype":"F32","shape":[1],"data_offsets":[{{begin}},{{end}}]}""";
        var header = $$"""{"a":{{Entry(beginA, endA)}},"b":{{Entry(beginB, endB)}} }""";
        var bytes = SafetensorsBytes.Of(header, Math.Max(endA, endB));
        if (expected is not null) Refuse(bytes, expected);
        else SafetensorsFile.Open(folder.Write("fine", bytes)).Dispose();
    }

    [Theory]
    [InlineData("\"a\"", "\"a\"")]
    [InlineData("\"a\"", "\"\\u0061\"")]
    public void A_name_that_stands_twice_is_refused(string one, string two)
    {
        const string entry = """{"dtype":"F32","shape":[0],"data_offsets":[0,0]}""";
        Refuse(SafetensorsBytes.Of($"{{{one}:{entry},{two}:{entry}}}"), "twice");
    }

    [Fact]
    public void A_length_that_lies_is_refused_before_it_is_believed()
    {
        var header = "{}"u8.ToArray();
        Refuse([], "at least 8 bytes, came a file of 0");
        Refuse([1, 2, 3], "at least 8 bytes, came a file of 3");
        Refuse(SafetensorsBytes.WithLength(3, header), "but only 2 follow");
        Refuse(SafetensorsBytes.WithLength(100_000_000, header), "but only 2 follow");
        Refuse(SafetensorsBytes.WithLength(100_000_001, header), "at most 100000000");
        Refuse(SafetensorsBytes.WithLength(ulong.MaxValue, header), "at most 100000000");
        Refuse(SafetensorsBytes.WithLength(1, header), "JSON");
    }

    [Fact]
    public void A_header_that_is_not_utf8_is_refused() =>
        Refuse(SafetensorsBytes.Of([.. Encoding.UTF8.GetBytes("{\""), 0xc3, 0x28, .. Encoding.UTF8.GetBytes("\":{}}")]), "UTF-8");

    [Fact]
    public void A_bool_is_zero_or_one()
    {
        var bytes = SafetensorsBytes.Of("""{"flag":{"dtype":"BOOL","shape":[3],"data_offsets":[0,3]}}""", 3);
        bytes[^2] = 7;
        using var file = SafetensorsFile.Open(folder.Write("bool", bytes));
        Assert.Contains("bytes 0 and 1 for BOOL, came 7", Assert.Throws<SafetensorsException>(() => file.ReadAll()).Message);
    }

    [Fact]
    public void A_file_cut_while_it_is_open_is_refused_on_reading()
    {
        var path = folder.Write("cut", SafetensorsBytes.Of("""{"a":{"dtype":"F32","shape":[64],"data_offsets":[0,256]}}""", 256));
        using var file = SafetensorsFile.Open(path);
        using (var stream = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite)) stream.SetLength(stream.Length - 16);
        Assert.Contains("end of the file", Assert.Throws<SafetensorsException>(() => file.Read("a")).Message);
    }

    [Fact]
    public void A_tensor_that_is_not_there_is_the_callers_mistake()
    {
        using var file = SafetensorsFile.Open(RepositoryFiles.Golden("ops/hgrn.safetensors"));
        var e = Assert.Throws<ArgumentException>(() => file.Read("in.q"));
        Assert.Contains("came 'in.q'", e.Message);
        Assert.Contains("in.x", e.Message);
    }

    [Fact]
    public void Unknown_fields_and_leading_order_do_not_matter()
    {
        var path = folder.Write("extra", SafetensorsBytes.Of("""{"a":{"data_offsets":[0,4],"note":{},"shape":[],"dtype":"F32"},"__metadata__":{}}    """, 4));
        using var file = SafetensorsFile.Open(path);
        Assert.Empty(file.Tensors["a"].Shape);
    }

    [Fact]
    public void No_damage_gives_anything_but_a_refusal_or_tensors()
    {
        var whole = WholeFile();
        var headerEnd = 8 + BitConverter.ToInt32(whole);
        var place = Gen.OneOf<int>(Gen.Int[0, 7], Gen.Int[8, headerEnd - 1], Gen.Int[0, whole.Length - 1]);
        var flips = Gen.Select(place, Gen.Byte).Array[0, 6];
        var cut = Gen.Frequency<int>((2, Gen.Const(whole.Length)), (1, Gen.Int[0, whole.Length]));
        Gen.Select(flips, cut).Sample(
            (changes, length) =>
            {
                var bytes = whole.ToArray();
                foreach (var (at, value) in changes) bytes[at] = value;
                var path = folder.Write(Path.GetRandomFileName(), bytes.AsSpan(0, length));
                using var scope = NewDisposeScope();
                try
                {
                    using var file = SafetensorsFile.Open(path);
                    foreach (var (name, tensor) in file.ReadAll()) Assert.Equal(file.Tensors[name].Shape, tensor.shape);
                }
                catch (SafetensorsException)
                {
                    // The one way to refuse.
                }
                finally
                {
                    File.Delete(path);
                }
            },
            iter: 5000);
    }

    private byte[] WholeFile()
    {
        using var scope = NewDisposeScope();
        var tensors = new Dictionary<string, Tensor>
        {
            ["w"] = arange(6, dtype: ScalarType.Float32).view(2, 3),
            ["b"] = tensor(new[] { true, false, true }),
            ["n"] = tensor(7L),
            ["e"] = empty(0, 4, dtype: ScalarType.BFloat16),
        };
        SafetensorsFile.Save(folder.File("whole"), tensors, new Dictionary<string, string> { ["format"] = "pt" });
        return File.ReadAllBytes(folder.File("whole"));
    }

    private SafetensorsException Refuse(byte[] bytes, string expected)
    {
        var path = folder.Write("malformed", bytes);
        var e = Assert.Throws<SafetensorsException>(() => SafetensorsFile.Open(path));
        Assert.StartsWith(path, e.Message);
        Assert.Contains(expected, e.Message);
        Assert.Equal(path, e.Path);
        return e;
    }
}
