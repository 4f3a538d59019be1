using System.Buffers.Binary;
using System.Text;

namespace Fla.Layers.Tests.Checkpoints;

/// <summary>Files put together by hand, to say things the writer would not.</summary>
internal static class SafetensorsBytes
{
    /// <summary>A file of the header's text and so many bytes of data.</summary>
    public static byte[] Of(string header, int data = 0) => Of(Encoding.UTF8.GetBytes(header), data);

    /// <inheritdoc cref="Of(string, int)"/>
    public static byte[] Of(byte[] header, int data = 0) => WithLength((ulong)header.Length, header, data);

    /// <summary>A file whose header's length may lie.</summary>
    public static byte[] WithLength(ulong length, byte[] header, int data = 0)
    {
        var file = new byte[8 + header.Length + data];
        BinaryPrimitives.WriteUInt64LittleEndian(file, length);
        header.CopyTo(file, 8);
        return file;
    }
}
