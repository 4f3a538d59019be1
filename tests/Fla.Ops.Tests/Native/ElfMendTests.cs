using System.Buffers.Binary;
using System.Text;
using CsCheck;
using Fla.Dsl.Runtime.Native;

namespace Fla.Ops.Tests.Native;

public class ElfMendTests
{
    private const string Symbol = "_ZSt21ios_base_library_initv";

    private static TorchSharpLibrary Library => TorchSharpLibrary.Instance;

    [LinuxFact]
    public void The_name_the_version_and_the_request_change_and_nothing_else()
    {
        byte[] expected = [.. Library.Bytes];
        "sched_yield\0"u8.CopyTo(expected.AsSpan(Library.OffsetOfName(Symbol)));
        BinaryPrimitives.WriteUInt16LittleEndian(expected.AsSpan(Library.OffsetOfVersion(Symbol)), 1);
        int missing = Library.OffsetOfRequest("GLIBCXX_3.4.32"), present = Library.OffsetOfRequest("GLIBCXX_3.4.30");
        Library.Bytes.AsSpan(present, 4).CopyTo(expected.AsSpan(missing));
        Library.Bytes.AsSpan(present + 8, 4).CopyTo(expected.AsSpan(missing + 8));

        byte[] mended = ElfMend.Apply(Library.Bytes);

        Assert.True(expected.AsSpan().SequenceEqual(mended));
        Assert.InRange(expected.Zip(Library.Bytes).Count(pair => pair.First != pair.Second), 1, 12 + 2 + 8);
    }

    [LinuxFact]
    public void The_given_bytes_stay_as_they_are()
    {
        byte[] given = [.. Library.Bytes];
        ElfMend.Apply(given);
        Assert.True(given.AsSpan().SequenceEqual(Library.Bytes));
    }

    [LinuxFact]
    public void A_mended_library_is_refused_as_already_mended() => Refused(ElfMend.Apply(Library.Bytes), "already");

    [LinuxFact]
    public void A_library_cut_short_anywhere_is_refused()
    {
        for (int length = 0; length < 1024; length++) Refuses(length);
        Gen.Int[1024, Library.Bytes.Length - 1].Sample(Refuses, iter: 300, threads: 1);
        Refuses(Library.Bytes.Length - 1);

        static void Refuses(int length) => Refused(Library.Bytes[..length], "past the end");
    }

    [LinuxTheory]
    [InlineData(0, 0x4d, "not an ELF file")]
    [InlineData(4, 1, "not 64-bit")]
    [InlineData(5, 2, "not 64-bit little-endian")]
    [InlineData(16, 1, "not a shared library")]
    [InlineData(18, 183, "not for x86-64")]
    [InlineData(56, 0, "no dynamic section")]
    public void What_the_header_says_is_no_such_library_is_refused_by_name(int offset, byte value, string complaint)
    {
        byte[] other = [.. Library.Bytes];
        other[offset] = value;
        Refused(other, complaint);
    }

    [LinuxTheory]
    [InlineData("GLIBCXX_3.4.32", "GLIBCXX_3.4.33", "for no GLIBCXX_3.4.32")]
    [InlineData("GLIBCXX_3.4.30", "GLIBCXX_3.4.31", "not for GLIBCXX_3.4.30")]
    [InlineData(Symbol, "_ZSt21ios_base_library_exitv", "_ZSt21ios_base_library_exitv")]
    public void A_library_that_wants_something_else_is_refused_by_name(string name, string instead, string complaint)
    {
        byte[] other = [.. Library.Bytes];
        Encoding.ASCII.GetBytes(instead).CopyTo(other, Library.OffsetOfName(name));
        Refused(other, complaint);
    }

    [LinuxFact]
    public void A_second_symbol_of_the_newer_version_is_refused_by_name()
    {
        const string wait = "_ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE";
        byte[] other = [.. Library.Bytes];
        other.AsSpan(Library.OffsetOfVersion(Symbol), 2).CopyTo(other.AsSpan(Library.OffsetOfVersion(wait)));
        Refused(other, wait);
    }

    [LinuxFact]
    public void No_symbol_of_the_newer_version_is_refused()
    {
        byte[] other = [.. Library.Bytes];
        other[Library.OffsetOfVersion(Symbol)] = 1;
        Refused(other, "no symbol asks");
    }

    [LinuxFact]
    public void A_name_that_does_not_end_is_refused()
    {
        byte[] other = [.. Library.Bytes];
        other.AsSpan(Library.OffsetOfName("GLIBCXX_3.4.32")..Library.Strings.End.Value).Fill((byte)'x');
        Refused(other, "does not end");
    }

    [LinuxFact]
    public void Damage_is_refused_or_harmless_and_never_anything_else()
    {
        // Random places all over the file would seldom hit what the mend reads.
        Range[] read =
        [
            0..1024, Library.Dynamic, Library.Hash.Start..(Library.Hash.Start.Value + 16),
            Library.SymbolTable, Library.SymbolVersions, Library.VersionRequests, Library.Strings,
        ];
        var place = Gen.OneOf([.. read.Select(range => Gen.Int[range.Start.Value, range.End.Value - 1])]);
        Gen.Select(place, Gen.Byte).List[1, 8].Sample(
            damage =>
            {
                byte[] damaged = [.. Library.Bytes];
                foreach (var (at, value) in damage) damaged[at] = value;
                try
                {
                    Assert.Equal(damaged.Length, ElfMend.Apply(damaged).Length);
                }
                catch (NativeLibraryException)
                {
                }
            },
            iter: 1000);
    }

    [Fact]
    public void Noise_is_refused_as_no_ELF_file() =>
        Gen.Byte.Array[64, 256].Where(bytes => bytes[0] != 0x7f).Sample(bytes => Refused(bytes, "not an ELF file"));

    private static void Refused(byte[] library, string complaint) =>
        Assert.Contains(complaint, Assert.Throws<NativeLibraryException>(() => ElfMend.Apply(library)).Message);
}
