using Microsoft.Win32.SafeHandles;
using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Layers.Checkpoints;

/// <summary>
/// An open safetensors file, the format of Hugging Face checkpoints. Opening reads only the header; a tensor's bytes are read
/// when it is asked for, straight into its memory, so a file may be larger than the machine's memory. Reads may run in parallel.
/// </summary>
public sealed class SafetensorsFile : IDisposable
{
    // One read or write: small enough for a span over any tensor, large enough that the number of calls does not matter.
    private const long PieceLength = 64 << 20;

    private readonly SafeFileHandle file;
    private readonly string path;
    private readonly SafetensorsHeader header;

    private SafetensorsFile(SafeFileHandle file, string path, SafetensorsHeader header) =>
        (this.file, this.path, this.header) = (file, path, header);

    /// <summary>The free-form strings of the file; empty where it has none.</summary>
    public IReadOnlyDictionary<string, string> Metadata => header.Metadata;

    /// <summary>What stands in the file by name, in the order of the data.</summary>
    public IReadOnlyDictionary<string, SafetensorsEntry> Tensors => header.Tensors;

    /// <summary>Opens a file and checks its header. While it is open the file can be replaced, but should not be changed.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="SafetensorsException">The file is malformed.</exception>
    public static SafetensorsFile Open(string path)
    {
        var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        try
        {
            return new SafetensorsFile(file, path, SafetensorsHeader.Read(file, path));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Writes a file, atomically: a reader sees the old file or the new one, and a failure leaves the old one. Tensors stand in
    /// falling order of element size, then by name, so that every one is aligned to its elements and the same tensors give the
    /// same bytes.
    /// </summary>
    /// <param name="path">The file, replaced where it exists.</param>
    /// <param name="tensors">The tensors by name, on any device and with any strides.</param>
    /// <param name="metadata">Free-form strings to go with them.</param>
    /// <exception cref="ArgumentException">A name is not valid Unicode or reserved, or a tensor's type is none of the format's.</exception>
    public static void Save(
        string path, IReadOnlyDictionary<string, Tensor> tensors, IReadOnlyDictionary<string, string>? metadata = null) =>
        SafetensorsWriter.Save(path, tensors, metadata);

    /// <summary>Reads one tensor.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="device">Where it goes; the CPU by default.</param>
    /// <returns>A contiguous tensor of the file's type and shape, without gradient, that the caller owns.</returns>
    /// <exception cref="ArgumentException">The file has no such tensor.</exception>
    /// <exception cref="SafetensorsException">
    /// The file was cut short since it was opened, or the tensor holds a BOOL that is neither 0 nor 1.
    /// </exception>
    public Tensor Read(string name, Device? device = null)
    {
        ObjectDisposedException.ThrowIf(file.IsClosed, this);
        if (!Tensors.TryGetValue(name, out var entry))
            throw new ArgumentException($"expected the name of a tensor of {path} ({Some(Tensors.Keys)}), came '{name}'", nameof(name));

        var tensor = empty([.. entry.Shape], dtype: entry.Type);
        try
        {
            Fill(tensor, entry);
            if (device is null || device.type == DeviceType.CPU) return tensor;
            var moved = tensor.to(device);
            tensor.Dispose();
            return moved;
        }
        catch
        {
            tensor.Dispose();
            throw;
        }
    }

    /// <summary>Reads all tensors.</summary>
    /// <param name="device">Where they go; the CPU by default.</param>
    /// <returns>The tensors by name, owned by the caller.</returns>
    /// <exception cref="SafetensorsException">As for <see cref="Read"/>; no tensor is left behind.</exception>
    public Dictionary<string, Tensor> ReadAll(Device? device = null)
    {
        var all = new Dictionary<string, Tensor>(Tensors.Count);
        try
        {
            foreach (var name in Tensors.Keys) all.Add(name, Read(name, device));
            return all;
        }
        catch
        {
            foreach (var tensor in all.Values) tensor.Dispose();
            throw;
        }
    }

    /// <summary>Closes the file. Tensors that were read stay.</summary>
    public void Dispose() => file.Dispose();

    /// <summary>A span can only hold 2 GiB, so a contiguous tensor's bytes are gone through piece by piece: (bytes, offset).</summary>
    internal delegate void PieceAction(Span<byte> bytes, long offset);

    /// <inheritdoc cref="PieceAction"/>
    internal static void ForEachPiece(Tensor tensor, PieceAction action)
    {
        var size = SafetensorsTypes.SizeOf(tensor.dtype);
        using var flat = tensor.view(-1);
        for (long start = 0, count = flat.NumberOfElements; start < count; start += PieceLength / size)
        {
            using var piece = flat.narrow(0, start, Math.Min(PieceLength / size, count - start));
            action(piece.bytes, start * size);
        }
    }

    private void Fill(Tensor tensor, SafetensorsEntry entry)
    {
        if (entry.Length == 0) return;
        var start = header.DataStart + entry.Begin;
        ForEachPiece(tensor, (bytes, offset) =>
        {
            SafetensorsHeader.ReadExactly(file, bytes, start + offset, path, entry.Name);
            // Torch takes a bool's byte for 0 or 1 and computes nonsense from others.
            if (entry.Type == ScalarType.Bool && bytes.IndexOfAnyExceptInRange<byte>(0, 1) is >= 0 and var at)
                throw new SafetensorsException(path, entry.Name, $"expected bytes 0 and 1 for BOOL, came {bytes[at]}");
        });
    }

    private static string Some(IEnumerable<string> names)
    {
        const int count = 8;
        var first = names.Take(count + 1).ToArray();
        return first.Length switch
        {
            0 => "which has none",
            > count => string.Join(", ", first.Take(count)) + ", ...",
            _ => string.Join(", ", first),
        };
    }
}
