using System.Buffers.Binary;
using System.Text;

namespace Fla.Dsl.Runtime.Native;

/// <summary>
/// Lets a library that was linked against GCC 13's libstdc++ load where the system has GCC 12's (Debian 12, Ubuntu 22.04).
/// <para>Such a library asks for version <c>GLIBCXX_3.4.32</c> on account of one function, which starts the standard streams
/// (<c>std::cout</c> and its kin) and is called when the library is loaded. Code from older compilers starts them on its own account,
/// once for the process, and libtorch, which is loaded first, is such code: the call has nothing left to do.
/// So it is pointed at a function that is always there, takes nothing and changes nothing.</para>
/// <para>Three places change, and no byte moves: the symbol's name becomes <c>sched_yield</c>; the symbol asks for no version;
/// and the request for 3.4.32, by now nobody's, repeats the request for 3.4.30.</para>
/// </summary>
internal static class ElfMend
{
    /// <summary>The version that older systems lack; the loader's complaint names it.</summary>
    public const string MissingVersion = "GLIBCXX_3.4.32";

    private const string PresentVersion = "GLIBCXX_3.4.30";
    private const string Library = "libstdc++.so.6";
    private const string Symbol = "_ZSt21ios_base_library_initv";
    private const string Substitute = "sched_yield";

    private const int SymbolSize = 24, NeedSize = 16;

    // The version of a symbol that takes whatever definition it finds.
    private const ushort AnyVersion = 1;

    // The topmost bit of a symbol's version hides a definition from others; the rest is the index, hence no more than so many requests.
    private const int IndexMask = 0x7fff;

    /// <summary>One version that the library asks of another library.</summary>
    /// <param name="Offset">Where in the file the request stands.</param>
    /// <param name="Index">What symbols call it by.</param>
    /// <param name="Library">Of which library.</param>
    /// <param name="Version">Which version.</param>
    private sealed record Need(int Offset, ushort Index, string Library, string Version);

    /// <summary>The mended bytes of a library; the given ones stay as they are.</summary>
    /// <exception cref="NativeLibraryException">They are not an x86-64 ELF library that asks for 3.4.32 for that one function,
    /// or have been mended already.</exception>
    public static byte[] Apply(byte[] library)
    {
        var image = ElfImage.Parse(library);
        var needs = Needs(image);
        var missing = needs.Find(need => need is { Library: Library, Version: MissingVersion }) ?? throw new NativeLibraryException(
            $"it asks {Library} for no {MissingVersion}: there is nothing to mend, or it has been mended already");
        var present = needs.Find(need => need is { Library: Library, Version: PresentVersion }) ?? throw new NativeLibraryException(
            $"it asks {Library} for {MissingVersion} but not for {PresentVersion}, which would have to stand in for it");
        var (name, version) = TheSymbol(image, missing.Index);

        byte[] mended = [.. library];
        // The rest of the old name stays: another name may be its tail.
        Encoding.ASCII.GetBytes(Substitute + '\0').CopyTo(mended, name);
        BinaryPrimitives.WriteUInt16LittleEndian(mended.AsSpan(version), AnyVersion);
        const int hashSize = 4, nameOffset = 8, nameSize = 4;
        library.AsSpan(present.Offset, hashSize).CopyTo(mended.AsSpan(missing.Offset));
        library.AsSpan(present.Offset + nameOffset, nameSize).CopyTo(mended.AsSpan(missing.Offset + nameOffset));
        return mended;
    }

    /// <summary>Every version that the library asks for, in the order of the file, each library asked with its own list.</summary>
    private static List<Need> Needs(ElfImage image)
    {
        const string ofLibrary = "a library's version requests", ofVersion = "a version request";
        List<Need> needs = [];
        ulong library = image[DynamicTag.VersionNeeds];
        while (true)
        {
            int at = image.OffsetOf(library, NeedSize, ofLibrary);
            int count = image.U16(at + 2, ofLibrary);
            if (count == 0) throw new NativeLibraryException("it names a library whose versions it needs, and then no version");
            string from = Text(image, image.U32(at + 4, ofLibrary));
            ulong version = library + image.U32(at + 8, ofLibrary);
            for (int i = 0; i < count; i++)
            {
                int place = image.OffsetOf(version, NeedSize, ofVersion);
                needs.Add(new Need(place, image.U16(place + 6, ofVersion), from, Text(image, image.U32(place + 8, ofVersion))));
                if (needs.Count > IndexMask)
                    throw new NativeLibraryException($"it has more version requests than the {IndexMask} that symbols can name");
                uint step = image.U32(place + 12, ofVersion);
                if (step == 0) break;
                version += step;
            }
            uint next = image.U32(at + 12, ofLibrary);
            if (next == 0) return needs;
            library += next;
        }
    }

    /// <summary>Where the name and the version of the one symbol lie that asks for a version.</summary>
    private static (int Name, int Version) TheSymbol(ElfImage image, ushort index)
    {
        // What a library wants of others stands before what it offers; the hash table covers the latter alone, from this index on.
        int hash = image.OffsetOf(image[DynamicTag.GnuHash], 16, "the symbols' hash table");
        uint count = image.U32(hash + 4, "the symbols' hash table");
        int symbols = image.OffsetOf(image[DynamicTag.SymbolTable], (ulong)count * SymbolSize, "the symbol table");
        int versions = image.OffsetOf(image[DynamicTag.SymbolVersions], (ulong)count * sizeof(ushort), "the symbols' versions");

        int? found = null;
        for (int i = 1; i < count; i++)
        {
            if ((image.U16(versions + i * sizeof(ushort), "a symbol's version") & IndexMask) != index) continue;
            string name = NameOf(i);
            if (name != Symbol || found is not null)
                throw new NativeLibraryException($"it wants {name} of {MissingVersion}; one symbol was expected to want that, {Symbol}");
            found = i;
        }
        if (found is not { } symbol) throw new NativeLibraryException($"no symbol asks for {MissingVersion}; {Symbol} was expected to");

        // Names share bytes where one is the tail of another; what changes must be this name's alone.
        uint text = TextOf(symbol);
        int place = image.OffsetOf(image[DynamicTag.StringTable] + text, (ulong)Symbol.Length + 1, "a symbol's name");
        if (text == 0 || image.Slice((ulong)place - 1, 1, "the string table")[0] != 0)
            throw new NativeLibraryException($"the name of {Symbol} is the tail of a longer one, which the mend would change");
        for (int i = 1; i < count; i++)
            if (i != symbol && TextOf(i) - text <= Substitute.Length)
                throw new NativeLibraryException($"the name of {Symbol} is also read as {NameOf(i)}, which the mend would change");
        return (place, versions + symbol * sizeof(ushort));

        uint TextOf(int i) => image.U32(symbols + i * SymbolSize, "a symbol");
        string NameOf(int i) => Text(image, TextOf(i));
    }

    /// <summary>A zero-terminated name in the string table.</summary>
    private static string Text(ElfImage image, uint at)
    {
        ulong size = image[DynamicTag.StringTableSize];
        int table = image.OffsetOf(image[DynamicTag.StringTable], size, "the string table");
        var rest = image.Slice((ulong)table, size, "the string table");
        if (at >= rest.Length) throw new NativeLibraryException($"a name begins at {at}, past the string table ({size} bytes)");
        rest = rest[(int)at..];
        int end = rest.IndexOf((byte)0);
        if (end < 0) throw new NativeLibraryException($"the name at {at} in the string table does not end");
        return Encoding.Latin1.GetString(rest[..end]);
    }
}
