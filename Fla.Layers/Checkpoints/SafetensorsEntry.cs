using TorchSharp;

namespace Fla.Layers.Checkpoints;

/// <summary>What a file's header says of one tensor.</summary>
/// <param name="Name">The tensor's name.</param>
/// <param name="Type">The type of its elements.</param>
/// <param name="Shape">Its shape; empty for a single number.</param>
/// <param name="Begin">The offset of its first byte, counted from the end of the header.</param>
/// <param name="End">The offset after its last byte, counted from the end of the header.</param>
public sealed record SafetensorsEntry(string Name, torch.ScalarType Type, IReadOnlyList<long> Shape, long Begin, long End)
{
    /// <summary>The size in bytes.</summary>
    public long Length => End - Begin;
}
