using System.Buffers.Binary;

namespace Fla.Dsl.Runtime.Native;

/// <summary>The entries of a dynamic section that <see cref="ElfMend"/> asks for, by their tag in the file.</summary>
internal enum DynamicTag : long
{
    StringTable = 5,
    SymbolTable = 6,
    StringTableSize = 10,
    GnuHash = 0x6ffffef5,
    SymbolVersions = 0x6ffffff0,
    VersionNeeds = 0x6ffffffe,
}

/// <summary>
/// A 64-bit x86 shared library, read as the system's loader reads it: by segments and the dynamic section, since sections
/// are for linkers and may be stripped. Every place is checked against the file before it is read, so that whatever the bytes are,
/// the answer is a value or a <see cref="NativeLibraryException"/>.
/// </summary>
internal sealed class ElfImage
{
    private const int HeaderSize = 64, SegmentSize = 56, SectionSize = 64, DynamicEntrySize = 16;
    private const uint LoadSegment = 1, DynamicSegment = 2;
    private const ushort SharedObject = 3, X64 = 62;

    private readonly byte[] bytes;
    private readonly List<Segment> loaded = [];
    private readonly Dictionary<DynamicTag, ulong> entries = [];

    private readonly record struct Segment(ulong Address, ulong Offset, ulong Size);

    private ElfImage(byte[] bytes) => this.bytes = bytes;

    /// <summary>Reads the header, the segments and the dynamic section.</summary>
    /// <exception cref="NativeLibraryException">The bytes are no x86-64 shared library, or one that ends too early.</exception>
    public static ElfImage Parse(byte[] bytes)
    {
        var image = new ElfImage(bytes);
        image.CheckHeader();
        image.ReadSegments();
        return image;
    }

    /// <summary>What the dynamic section has under <paramref name="tag"/>.</summary>
    public ulong this[DynamicTag tag] => entries.TryGetValue(tag, out ulong value)
        ? value
        : throw new NativeLibraryException($"its dynamic section has no {tag} entry (tag 0x{(long)tag:x})");

    /// <summary>Where in the file <paramref name="size"/> bytes at a load address lie.</summary>
    public int OffsetOf(ulong address, ulong size, string what)
    {
        foreach (var segment in loaded)
        {
            if (address < segment.Address || address - segment.Address > segment.Size) continue;
            ulong into = address - segment.Address;
            if (size <= segment.Size - into) return (int)(segment.Offset + into);
        }
        throw new NativeLibraryException($"{what} ({size} bytes at address 0x{address:x}) lies outside what the file loads");
    }

    public ushort U16(int offset, string what) => BinaryPrimitives.ReadUInt16LittleEndian(Slice((ulong)offset, sizeof(ushort), what));

    public uint U32(int offset, string what) => BinaryPrimitives.ReadUInt32LittleEndian(Slice((ulong)offset, sizeof(uint), what));

    private ulong U64(int offset, string what) => BinaryPrimitives.ReadUInt64LittleEndian(Slice((ulong)offset, sizeof(ulong), what));

    /// <summary>The bytes at a place in the file, once it is known to have them.</summary>
    public ReadOnlySpan<byte> Slice(ulong offset, ulong size, string what)
    {
        var length = (ulong)bytes.Length;
        if (offset > length || size > length - offset)
        {
            throw new NativeLibraryException(
                $"{what} ({size} bytes from 0x{offset:x}) runs past the end of the file ({length} bytes): it is truncated or damaged");
        }
        return bytes.AsSpan((int)offset, (int)size);
    }

    private void CheckHeader()
    {
        const string what = "the ELF header";
        var header = Slice(0, HeaderSize, what);
        if (!header.StartsWith("\u007fELF"u8))
            throw new NativeLibraryException($"it is not an ELF file: it begins {Convert.ToHexString(header[..4])}, expected 7F454C46");
        if (header[4] != 2 || header[5] != 1)
            throw new NativeLibraryException($"it is not 64-bit little-endian: class {header[4]}, data {header[5]}, expected 2 and 1");
        if (U16(16, what) is var type and not SharedObject)
            throw new NativeLibraryException($"it is not a shared library: ELF type {type}, expected {SharedObject}");
        if (U16(18, what) is var machine and not X64)
            throw new NativeLibraryException($"it is not for x86-64: ELF machine {machine}, expected {X64}");

        // Nothing here is read from the section headers, but linkers write them last: a file that has them all is not truncated.
        Slice(U64(40, what), (ulong)U16(60, what) * SectionSize, "the table of sections");
    }

    private void ReadSegments()
    {
        ulong table = U64(32, "the ELF header");
        int count = U16(56, "the ELF header");
        Slice(table, (ulong)count * SegmentSize, "the table of segments");

        Segment? dynamic = null;
        for (int i = 0; i < count; i++)
        {
            int at = (int)table + i * SegmentSize;
            uint type = U32(at, "a segment");
            if (type is not (LoadSegment or DynamicSegment)) continue;
            var segment = new Segment(U64(at + 16, "a segment"), U64(at + 8, "a segment"), U64(at + 32, "a segment"));
            Slice(segment.Offset, segment.Size, "a segment");
            if (type == LoadSegment) loaded.Add(segment);
            else dynamic = segment;
        }
        if (dynamic is not { } section)
            throw new NativeLibraryException("it has no dynamic section: it is not a library that the loader links");
        ReadDynamicSection(section);
    }

    private void ReadDynamicSection(Segment dynamic)
    {
        for (ulong i = 0; i < dynamic.Size / DynamicEntrySize; i++)
        {
            int at = (int)(dynamic.Offset + i * DynamicEntrySize);
            var tag = (DynamicTag)U64(at, "the dynamic section");
            if (tag == 0) break;
            entries[tag] = U64(at + 8, "the dynamic section");
        }
    }
}
