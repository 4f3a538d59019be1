namespace Fla.Layers.Checkpoints;

/// <summary>A folder is no valid checkpoint. The message names the file or folder, what was expected and what came.</summary>
public sealed class CheckpointException : IOException
{
    internal CheckpointException(string path, string problem, Exception? inner = null)
        : base($"{path}: {problem}", inner) => Path = path;

    /// <summary>The file or folder, as it was given.</summary>
    public string Path { get; }
}
