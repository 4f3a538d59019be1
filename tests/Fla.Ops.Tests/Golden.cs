using System.Runtime.InteropServices;
using System.Text.Json;
using static TorchSharp.torch;

namespace Fla.Ops.Tests;

/// <summary>One file of reference figures (tests/golden/README.md): its fp32 tensors and metadata by name.</summary>
internal sealed class Golden
{
    private readonly Dictionary<string, Tensor> tensors = [];
    private readonly Dictionary<string, string> metadata = [];

    public Golden(string name)
    {
        // A safetensors file: the length of a JSON header, the header, the numbers.
        var file = File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "golden", "ops", name + ".safetensors"));
        var start = 8 + (int)BitConverter.ToUInt64(file);
        foreach (var entry in JsonDocument.Parse(file.AsMemory(8, start - 8)).RootElement.EnumerateObject())
        {
            if (entry.Name == "__metadata__")
            {
                metadata = entry.Value.Deserialize<Dictionary<string, string>>()!;
                continue;
            }
            var shape = entry.Value.GetProperty("shape").Deserialize<long[]>()!;
            var ends = entry.Value.GetProperty("data_offsets").Deserialize<int[]>()!;
            tensors[entry.Name] = tensor(MemoryMarshal.Cast<byte, float>(file.AsSpan(start + ends[0], ends[1] - ends[0])).ToArray(), shape);
        }
    }

    public Tensor this[string name] => tensors[name];

    public bool Has(string name) => tensors.ContainsKey(name);

    public double? Scale => metadata.TryGetValue("scale", out var scale) ? double.Parse(scale) : null;

    /// <summary>The tensors named <c>PREFIX.NAME</c> by NAME.</summary>
    public Dictionary<string, Tensor> Under(string prefix) =>
        tensors.Where(t => t.Key.StartsWith(prefix + ".")).ToDictionary(t => t.Key[(prefix.Length + 1)..], t => t.Value);
}
