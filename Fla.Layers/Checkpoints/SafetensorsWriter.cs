using System.Buffers.Binary;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;
using static TorchSharp.torch;

namespace Fla.Layers.Checkpoints;

/// <summary>Writes safetensors files: see <see cref="SafetensorsFile.Save"/>.</summary>
internal static class SafetensorsWriter
{
    // The JSON is filled up with spaces to this, so that the data starts aligned for every type.
    private const int Alignment = 8;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static void Save(string path, IReadOnlyDictionary<string, Tensor> tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        Check(tensors, metadata);
        var sorted = tensors
            .OrderByDescending(item => SafetensorsTypes.SizeOf(item.Value.dtype))
            .ThenBy(item => item.Key, StringComparer.Ordinal)
            .ToArray();
        var head = Head(sorted, metadata);

        // In the same folder, because only a rename within one file system is atomic.
        var temporary = $"{path}.{Path.GetRandomFileName()}.tmp";
        try
        {
            using (var file = File.OpenHandle(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None))
            {
                RandomAccess.Write(file, head, 0);
                var offset = (long)head.Length;
                foreach (var (_, tensor) in sorted) offset = Append(file, tensor, offset);
                RandomAccess.FlushToDisk(file);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    private static void Check(IReadOnlyDictionary<string, Tensor> tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        foreach (var (name, tensor) in tensors)
        {
            CheckText(name, "a tensor's name", nameof(tensors));
            if (name == SafetensorsHeader.MetadataKey)
                throw new ArgumentException($"expected a tensor's name other than the reserved {name}", nameof(tensors));
            if (!SafetensorsTypes.Has(tensor.dtype))
            {
                throw new ArgumentException(
                    $"tensor '{name}': expected a type among {SafetensorsTypes.Names}, came {tensor.dtype}", nameof(tensors));
            }
        }

        foreach (var (name, value) in metadata ?? new Dictionary<string, string>())
        {
            CheckText(name, "a name of metadata", nameof(metadata));
            CheckText(value, $"the metadata '{name}'", nameof(metadata));
        }
    }

    private static void CheckText(string text, string what, string argument)
    {
        try
        {
            _ = StrictUtf8.GetByteCount(text);
        }
        catch (EncoderFallbackException e)
        {
            throw new ArgumentException($"expected {what} to be valid Unicode, came half a surrogate pair", argument, e);
        }
    }

    private static byte[] Head(KeyValuePair<string, Tensor>[] sorted, IReadOnlyDictionary<string, string>? metadata)
    {
        using var head = new MemoryStream();
        head.Write(stackalloc byte[SafetensorsHeader.PrefixLength]);
        // Names stay readable to people: nothing here goes into HTML.
        using (var json = new Utf8JsonWriter(head, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            if (metadata is { Count: > 0 }) WriteMetadata(json, metadata);
            var offset = 0L;
            foreach (var (name, tensor) in sorted) offset = WriteEntry(json, name, tensor, offset);
            json.WriteEndObject();
        }

        while (head.Length % Alignment != 0) head.WriteByte((byte)' ');
        var bytes = head.ToArray();
        if (bytes.Length - SafetensorsHeader.PrefixLength > SafetensorsHeader.MaxLength)
        {
            throw new ArgumentException(
                $"expected names and metadata of at most {SafetensorsHeader.MaxLength} bytes, all that readers take, came {bytes.Length}");
        }

        BinaryPrimitives.WriteInt64LittleEndian(bytes, bytes.Length - SafetensorsHeader.PrefixLength);
        return bytes;
    }

    private static void WriteMetadata(Utf8JsonWriter json, IReadOnlyDictionary<string, string> metadata)
    {
        json.WriteStartObject(SafetensorsHeader.MetadataKey);
        foreach (var (name, value) in metadata.OrderBy(item => item.Key, StringComparer.Ordinal)) json.WriteString(name, value);
        json.WriteEndObject();
    }

    private static long WriteEntry(Utf8JsonWriter json, string name, Tensor tensor, long offset)
    {
        var end = offset + tensor.NumberOfElements * SafetensorsTypes.SizeOf(tensor.dtype);
        json.WriteStartObject(name);
        json.WriteString("dtype", SafetensorsTypes.NameOf(tensor.dtype));
        json.WriteStartArray("shape");
        foreach (var dimension in tensor.shape) json.WriteNumberValue(dimension);
        json.WriteEndArray();
        json.WriteStartArray("data_offsets");
        json.WriteNumberValue(offset);
        json.WriteNumberValue(end);
        json.WriteEndArray();
        json.WriteEndObject();
        return end;
    }

    private static long Append(SafeFileHandle file, Tensor tensor, long offset)
    {
        if (tensor.NumberOfElements == 0) return offset;
        using var scope = NewDisposeScope();
        var plain = tensor.detach().cpu().contiguous();
        SafetensorsFile.ForEachPiece(plain, (bytes, at) => RandomAccess.Write(file, bytes, offset + at));
        return offset + plain.NumberOfElements * SafetensorsTypes.SizeOf(plain.dtype);
    }
}
