namespace Fla.Layers.Checkpoints;

/// <summary>
/// A file is no valid safetensors file. The message names the file, the tensor if one is at fault, what was expected and what came.
/// </summary>
public sealed class SafetensorsException : IOException
{
    internal SafetensorsException(string path, string? tensor, string problem, Exception? inner = null)
        : base(tensor is null ? $"{path}: {problem}" : $"{path}: tensor '{tensor}': {problem}", inner)
    {
        Path = path;
        Tensor = tensor;
    }

    /// <summary>The file, as it was given.</summary>
    public string Path { get; }

    /// <summary>The name of the tensor at fault, or null where the fault is the whole file's.</summary>
    public string? Tensor { get; }
}
