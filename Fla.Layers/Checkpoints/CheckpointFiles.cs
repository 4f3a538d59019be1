namespace Fla.Layers.Checkpoints;

/// <summary>What the files of a checkpoint are called.</summary>
internal static class CheckpointFiles
{
    public const string Config = "config.json";
    public const string Weights = "model.safetensors";
    public const string Index = "model.safetensors.index.json";

    public static string Shard(int number, int count) => $"model-{number:00000}-of-{count:00000}.safetensors";
}
