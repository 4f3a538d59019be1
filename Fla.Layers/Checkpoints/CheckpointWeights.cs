using System.Text.Json;
using static TorchSharp.torch;

namespace Fla.Layers.Checkpoints;

/// <summary>The tensors of a checkpoint by name, whether they are in one file or in several with an index.</summary>
internal sealed class CheckpointWeights : IDisposable
{
    private readonly List<SafetensorsFile> files = [];
    private readonly Dictionary<string, SafetensorsFile> holders = [];

    private CheckpointWeights(string folder) => Folder = folder;

    public string Folder { get; }

    public IEnumerable<string> Names => holders.Keys;

    /// <summary>The type that most of the numbers have, or null where none of them is of a floating point type.</summary>
    public ScalarType? DominantType => Entries
        .Where(entry => IsFloat(entry.Type))
        .GroupBy(entry => entry.Type, entry => entry.Length)
        .OrderByDescending(group => group.Sum())
        .Select(group => (ScalarType?)group.Key)
        .FirstOrDefault();

    private IEnumerable<SafetensorsEntry> Entries => holders.Select(holder => holder.Value.Tensors[holder.Key]);

    /// <exception cref="CheckpointException">There are no weights, or the index is malformed or does not fit the files.</exception>
    /// <exception cref="SafetensorsException">A file is malformed.</exception>
    public static CheckpointWeights Open(string folder)
    {
        var weights = new CheckpointWeights(folder);
        try
        {
            var (single, index) = (Path.Combine(folder, CheckpointFiles.Weights), Path.Combine(folder, CheckpointFiles.Index));
            if (File.Exists(single)) weights.OpenSingle(single);
            else if (File.Exists(index)) weights.OpenShards(index);
            else throw new CheckpointException(folder, $"expected {CheckpointFiles.Weights} or {CheckpointFiles.Index}, came neither");
            return weights;
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    public static bool IsFloat(ScalarType type) =>
        type is ScalarType.Float32 or ScalarType.Float64 or ScalarType.BFloat16 or ScalarType.Float16;

    public SafetensorsEntry Entry(string name) => holders[name].Tensors[name];

    public Tensor Read(string name) => holders[name].Read(name);

    public void Dispose()
    {
        foreach (var file in files) file.Dispose();
    }

    private void OpenSingle(string path)
    {
        var file = Opened(path);
        foreach (var name in file.Tensors.Keys) holders.Add(name, file);
    }

    private void OpenShards(string index)
    {
        var byShard = ReadIndex(index).ToLookup(entry => entry.Shard, entry => entry.Tensor);
        foreach (var shard in byShard)
        {
            // A name from a downloaded file must not lead out of the folder.
            if (shard.Key.Length == 0 || shard.Key != Path.GetFileName(shard.Key))
                throw new CheckpointException(index, $"expected the names of files beside it, came '{shard.Key}'");
            var path = Path.Combine(Folder, shard.Key);
            if (!File.Exists(path)) throw new CheckpointException(index, $"expected a shard {shard.Key} beside it, came none");
            var file = Opened(path);
            foreach (var name in shard)
            {
                if (!file.Tensors.ContainsKey(name))
                    throw new CheckpointException(index, $"expected tensor '{name}' in {shard.Key}, which has none of this name");
                holders.Add(name, file);
            }
        }
    }

    private static List<(string Tensor, string Shard)> ReadIndex(string index)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(index));
            if (document.RootElement.ValueKind != JsonValueKind.Object
                || !document.RootElement.TryGetProperty("weight_map", out var map) || map.ValueKind != JsonValueKind.Object)
            {
                throw new CheckpointException(index, "expected an object with a field weight_map, came none");
            }

            var entries = new Dictionary<string, string>();
            foreach (var entry in map.EnumerateObject())
            {
                if (entry.Value.ValueKind != JsonValueKind.String)
                {
                    throw new CheckpointException(
                        index, $"expected the name of a file for '{entry.Name}', came {entry.Value.GetRawText()}");
                }

                if (!entries.TryAdd(entry.Name, entry.Value.GetString()!))
                    throw new CheckpointException(index, $"expected each tensor once, came '{entry.Name}' twice");
            }

            return [.. entries.Select(entry => (entry.Key, entry.Value))];
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new CheckpointException(index, $"expected an index in JSON: {e.Message}", e);
        }
    }

    private SafetensorsFile Opened(string path)
    {
        var file = SafetensorsFile.Open(path);
        files.Add(file);
        return file;
    }
}
