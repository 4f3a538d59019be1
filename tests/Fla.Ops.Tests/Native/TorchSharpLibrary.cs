using System.Buffers.Binary;
using System.Text;
using Fla.Dsl.Runtime.Native;
using TorchSharp;

namespace Fla.Ops.Tests.Native;

/// <summary>
/// The library that TorchSharp's package brings, and where the parts of it lie that a mend may touch. They are found from the section
/// headers, which the mend itself never reads.
/// </summary>
internal sealed class TorchSharpLibrary
{
    private static readonly Lazy<TorchSharpLibrary> Read = new(() => new TorchSharpLibrary());

    private TorchSharpLibrary()
    {
        Path = NativeFolders.Find("libLibTorchSharp.so", NativeFolders.Of(typeof(torch).Assembly.Location))
            ?? throw new FileNotFoundException("TorchSharp's package has not put its library beside the tests");
        Bytes = File.ReadAllBytes(Path);
        SymbolTable = Section(".dynsym");
        Strings = Section(".dynstr");
        SymbolVersions = Section(".gnu.version");
        VersionRequests = Section(".gnu.version_r");
        Dynamic = Section(".dynamic");
        Hash = Section(".gnu.hash");
    }

    public static TorchSharpLibrary Instance => Read.Value;

    public string Path { get; }

    /// <summary>A fresh copy is the caller's to take before it changes anything.</summary>
    public byte[] Bytes { get; }

    public Range SymbolTable { get; }

    public Range Strings { get; }

    public Range SymbolVersions { get; }

    public Range VersionRequests { get; }

    public Range Dynamic { get; }

    public Range Hash { get; }

    /// <summary>Where a whole name lies in the dynamic string table.</summary>
    public int OffsetOfName(string name)
    {
        byte[] wanted = Encoding.ASCII.GetBytes('\0' + name + '\0');
        int at = Bytes.AsSpan(Strings).IndexOf(wanted);
        Assert.True(at >= 0, $"{name} is not a name in {Path}");
        return Strings.Start.Value + at + 1;
    }

    /// <summary>Where the version of a symbol lies: the versions are as many as the symbols, two bytes each.</summary>
    public int OffsetOfVersion(string symbol)
    {
        int text = OffsetOfName(symbol) - Strings.Start.Value;
        var table = Bytes.AsSpan(SymbolTable);
        for (int i = 0; i < table.Length / 24; i++)
            if (BinaryPrimitives.ReadInt32LittleEndian(table[(i * 24)..]) == text) return SymbolVersions.Start.Value + i * 2;
        throw new InvalidOperationException($"{symbol} names no symbol");
    }

    /// <summary>Where the request for a version lies: the 16 bytes whose third word is that version's name.</summary>
    public int OffsetOfRequest(string version)
    {
        int text = OffsetOfName(version) - Strings.Start.Value;
        var requests = Bytes.AsSpan(VersionRequests);
        for (int i = 0; i < requests.Length; i += 16)
            if (BinaryPrimitives.ReadInt32LittleEndian(requests[(i + 8)..]) == text) return VersionRequests.Start.Value + i;
        throw new InvalidOperationException($"{version} is not requested");
    }

    private Range Section(string name)
    {
        int table = Int64(40), count = BinaryPrimitives.ReadUInt16LittleEndian(Bytes.AsSpan(60));
        int names = BinaryPrimitives.ReadUInt16LittleEndian(Bytes.AsSpan(62));
        for (int i = 0; i < count; i++)
        {
            int header = table + i * 64;
            var text = Bytes.AsSpan(Int64(table + names * 64 + 24) + BinaryPrimitives.ReadInt32LittleEndian(Bytes.AsSpan(header)));
            if (Encoding.ASCII.GetString(text[..text.IndexOf((byte)0)]) != name) continue;
            int offset = Int64(header + 24), size = Int64(header + 32);
            return offset..(offset + size);
        }
        throw new InvalidOperationException($"{Path} has no section {name}");

        int Int64(int at) => (int)BinaryPrimitives.ReadInt64LittleEndian(Bytes.AsSpan(at));
    }
}
