using System.Text.Json;
using System.Text.Json.Nodes;
using static TorchSharp.torch;

namespace Fla.Layers.Checkpoints;

/// <summary>Writes weights in Hugging Face's layout: one file, or several with an index.</summary>
internal static class CheckpointWriter
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    // What transformers asks for before it reads a file.
    private static readonly Dictionary<string, string> Metadata = new() { ["format"] = "pt" };

    public static void Save(string folder, IReadOnlyDictionary<string, Tensor> weights, long maxShardBytes)
    {
        var shards = Shards(weights, maxShardBytes);
        var written = new HashSet<string>();
        for (var i = 0; i < shards.Count; i++)
        {
            var name = shards.Count == 1 ? CheckpointFiles.Weights : CheckpointFiles.Shard(i + 1, shards.Count);
            SafetensorsFile.Save(Path.Combine(folder, name), shards[i], Metadata);
            written.Add(name);
        }

        if (shards.Count > 1)
        {
            File.WriteAllText(Path.Combine(folder, CheckpointFiles.Index), Index(shards));
            written.Add(CheckpointFiles.Index);
        }

        // Weights of an earlier save must not be taken for these.
        foreach (var stale in Directory.GetFiles(folder, "model*.safetensors*").Where(path => !written.Contains(Path.GetFileName(path))))
            File.Delete(stale);
    }

    private static List<Dictionary<string, Tensor>> Shards(IReadOnlyDictionary<string, Tensor> weights, long maxShardBytes)
    {
        List<Dictionary<string, Tensor>> shards = [[]];
        long size = 0;
        foreach (var (name, tensor) in weights)
        {
            if (shards[^1].Count > 0 && size + Bytes(tensor) > maxShardBytes)
            {
                shards.Add([]);
                size = 0;
            }

            shards[^1].Add(name, tensor);
            size += Bytes(tensor);
        }

        return shards;
    }

    private static string Index(List<Dictionary<string, Tensor>> shards)
    {
        var map = new JsonObject();
        var places = shards.SelectMany((shard, i) => shard.Keys.Select(name => (name, CheckpointFiles.Shard(i + 1, shards.Count))));
        foreach (var (name, file) in places.OrderBy(place => place.name, StringComparer.Ordinal)) map.Add(name, file);
        var total = shards.Sum(shard => shard.Values.Sum(Bytes));
        var index = new JsonObject { ["metadata"] = new JsonObject { ["total_size"] = total }, ["weight_map"] = map };
        return index.ToJsonString(Indented) + "\n";
    }

    private static long Bytes(Tensor tensor) => tensor.NumberOfElements * tensor.ElementSize;
}
