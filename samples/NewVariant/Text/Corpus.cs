using System.Security.Cryptography;

namespace NewVariant.Text;

/// <summary>Text to learn from, and text held out: the last tenth of every file, from a line's start on.</summary>
/// <param name="Source">Where it is from.</param>
/// <param name="Files">The number of files.</param>
/// <param name="Train">What is trained on.</param>
/// <param name="HeldOut">What is not.</param>
internal sealed record Corpus(string Source, int Files, byte[] Train, byte[] HeldOut)
{
    private const int HeldOutShare = 10;

    /// <summary>Less would be seen so often that it is learnt by heart.</summary>
    private const int LeastBytes = 64 << 10;

    /// <summary>More is not needed here, and must fit into memory.</summary>
    private const int MostBytes = 64 << 20;

    /// <summary>Names the text, so that a run is not resumed with another.</summary>
    public string Fingerprint => Convert.ToHexStringLower(SHA256.HashData([.. Train, .. HeldOut]))[..16];

    /// <summary>Reads a file, or what text there is under a folder.</summary>
    /// <exception cref="UserError">There is too little.</exception>
    public static Corpus Read(string path)
    {
        var (train, heldOut) = (new List<byte>(), new List<byte>());
        var files = 0;
        foreach (var (_, bytes) in TextFiles.Read(path).TakeWhile(_ => train.Count < MostBytes))
        {
            var cut = Cut(bytes);
            train.AddRange(bytes.AsSpan(0, cut));
            heldOut.AddRange(bytes.AsSpan(cut));
            files++;
        }

        return train.Count >= LeastBytes && heldOut.Count >= LeastBytes / HeldOutShare / 2
            ? new(path, files, [.. train], [.. heldOut])
            : throw new UserError(
                $"expected at least {LeastBytes >> 10} KiB of text to learn from in {path}, "
                + $"found {train.Count / 1024.0:F1} and {heldOut.Count / 1024.0:F1} to hold out");
    }

    private static int Cut(byte[] bytes)
    {
        var cut = bytes.Length - bytes.Length / HeldOutShare;
        var line = bytes.AsSpan(cut).IndexOf((byte)'\n') + 1;
        return line > 0 ? cut + line : cut;
    }
}
