using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Unicode;
using Microsoft.Win32.SafeHandles;

namespace Fla.Layers.Checkpoints;

/// <summary>
/// The header of a file: eight bytes with its length, then JSON that says what stands where in the rest. Reading it checks
/// everything that can be checked without the data, so that later reads cannot leave their tensor.
/// </summary>
/// <param name="Metadata">The free-form strings.</param>
/// <param name="Tensors">The tensors, in the order of their data.</param>
/// <param name="DataStart">Where the data starts in the file.</param>
internal sealed record SafetensorsHeader(
    IReadOnlyDictionary<string, string> Metadata, IReadOnlyDictionary<string, SafetensorsEntry> Tensors, long DataStart)
{
    public const string MetadataKey = "__metadata__";

    /// <summary>The bytes before the JSON: its length as a little-endian 64-bit integer.</summary>
    public const int PrefixLength = 8;

    /// <summary>The reference implementation's bound on the JSON's length: a corrupt length must not cost the memory it names.</summary>
    public const long MaxLength = 100_000_000;

    /// <summary>Reads and checks the header.</summary>
    /// <exception cref="SafetensorsException">The file is malformed.</exception>
    public static SafetensorsHeader Read(SafeFileHandle file, string path)
    {
        var fileLength = RandomAccess.GetLength(file);
        if (fileLength < PrefixLength)
            throw new SafetensorsException(path, null, $"expected at least {PrefixLength} bytes, came a file of {fileLength}");

        Span<byte> prefix = stackalloc byte[PrefixLength];
        ReadExactly(file, prefix, 0, path, null);
        var length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > MaxLength)
            throw new SafetensorsException(path, null, $"expected a header of at most {MaxLength} bytes, its length says {length}");
        if ((long)length > fileLength - PrefixLength)
        {
            throw new SafetensorsException(path, null,
                $"the header's length says {length} bytes, but only {fileLength - PrefixLength} follow: truncated, or no safetensors file");
        }

        var json = new byte[length];
        ReadExactly(file, json, PrefixLength, path, null);
        var dataStart = PrefixLength + (long)length;
        using var document = ParseJson(json, path);
        return Interpret(document.RootElement, dataStart, fileLength - dataStart, path);
    }

    /// <summary>Fills a span from the file. A file cut short after it was opened ends here, too.</summary>
    public static void ReadExactly(SafeFileHandle file, Span<byte> destination, long offset, string path, string? tensor)
    {
        while (destination.Length > 0)
        {
            var read = RandomAccess.Read(file, destination, offset);
            if (read == 0)
            {
                throw new SafetensorsException(
                    path, tensor, $"expected {destination.Length} more bytes at offset {offset}, came the end of the file");
            }

            destination = destination[read..];
            offset += read;
        }
    }

    private static JsonDocument ParseJson(byte[] json, string path)
    {
        if (json.Length == 0) throw new SafetensorsException(path, null, "expected a header that starts with '{', came an empty one");
        if (json[0] != (byte)'{')
            throw new SafetensorsException(path, null, $"expected a header that starts with '{{', came 0x{json[0]:x2}");
        if (!Utf8.IsValid(json)) throw new SafetensorsException(path, null, "expected a header in UTF-8, came bytes that are not");
        try
        {
            return JsonDocument.Parse(json, new JsonDocumentOptions { AllowDuplicateProperties = false });
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException) // the latter for escapes that are half a surrogate pair
        {
            throw new SafetensorsException(path, null, $"expected a header in JSON with no name twice: {e.Message}", e);
        }
    }

    private static SafetensorsHeader Interpret(JsonElement root, long dataStart, long dataLength, string path)
    {
        var metadata = new Dictionary<string, string>();
        var entries = new List<SafetensorsEntry>();
        foreach (var property in root.EnumerateObject())
        {
            var name = TextOf(() => property.Name, path, null, "a name");
            if (name == MetadataKey) ReadMetadata(property.Value, metadata, path);
            else entries.Add(SafetensorsEntryParser.Parse(name, property.Value, path));
        }

        // Empty tensors share their place with the next one's start.
        entries.Sort((a, b) => (a.Begin, a.End).CompareTo((b.Begin, b.End)));
        CheckCoverage(entries, dataLength, path);
        var tensors = new OrderedDictionary<string, SafetensorsEntry>(entries.Count);
        foreach (var entry in entries) tensors.Add(entry.Name, entry);
        return new SafetensorsHeader(metadata, tensors, dataStart);
    }

    private static void ReadMetadata(JsonElement value, Dictionary<string, string> metadata, string path)
    {
        if (value.ValueKind != JsonValueKind.Object)
            throw new SafetensorsException(path, null, $"expected {MetadataKey} to be an object of strings, came {value.ValueKind}");
        foreach (var property in value.EnumerateObject())
        {
            var name = TextOf(() => property.Name, path, null, $"a name in {MetadataKey}");
            if (property.Value.ValueKind != JsonValueKind.String)
            {
                throw new SafetensorsException(
                    path, null, $"expected {MetadataKey} to hold strings, came {property.Value.ValueKind} for '{name}'");
            }

            metadata.Add(name, TextOf(() => property.Value.GetString()!, path, null, $"{MetadataKey} '{name}'"));
        }
    }

    /// <summary>The format wants every byte of the data to belong to exactly one tensor.</summary>
    private static void CheckCoverage(List<SafetensorsEntry> sorted, long dataLength, string path)
    {
        var end = 0L;
        SafetensorsEntry? previous = null;
        foreach (var entry in sorted)
        {
            if (entry.Begin < end)
            {
                throw new SafetensorsException(path, entry.Name,
                    $"expected its data after that of '{previous!.Name}', which ends at {end}, came an overlap from {entry.Begin}");
            }

            if (entry.Begin > end)
            {
                throw new SafetensorsException(path, entry.Name,
                    $"expected its data at offset {end}, came {entry.Begin}: the bytes between belong to no tensor");
            }

            if (entry.End > dataLength)
            {
                throw new SafetensorsException(path, entry.Name,
                    $"expected its data to end by {dataLength}, where the file does, came {entry.End}: truncated?");
            }

            end = entry.End;
            previous = entry;
        }

        if (end != dataLength)
            throw new SafetensorsException(path, null, $"the tensors cover {end} bytes of data, but the file holds {dataLength}");
    }

    /// <summary>JSON can escape half a surrogate pair, which only shows when the string is taken.</summary>
    internal static string TextOf(Func<string> text, string path, string? tensor, string what)
    {
        try
        {
            return text();
        }
        catch (InvalidOperationException e)
        {
            throw new SafetensorsException(path, tensor, $"expected {what} to be valid Unicode, came half a surrogate pair", e);
        }
    }
}
