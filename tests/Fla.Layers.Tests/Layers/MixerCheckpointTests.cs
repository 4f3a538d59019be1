using Fla.Layers.Checkpoints;

namespace Fla.Layers.Tests.Layers;

/// <summary>Names, shapes and printed trees of mixers, as another implementation has them in its checkpoints.</summary>
public class MixerCheckpointTests
{
    private const long Size = 64;

    private static readonly Dictionary<string, Func<int, TokenMixer>> Families = new()
    {
        ["abc"] = layer => new ABCAttention(Size, numHeads: 2, numSlots: 16, normEps: 1e-6, layerIdx: layer),
        ["delta_net"] = layer => new DeltaNet(hiddenSize: Size, numHeads: 2, normEps: 1e-6, layerIdx: layer),
        ["gated_deltanet"] = layer => new GatedDeltaNet(Size, headDim: 32, numHeads: 2, normEps: 1e-6, layerIdx: layer),
        ["gla"] = layer => new GatedLinearAttention(hiddenSize: Size, numHeads: 2, normEps: 1e-6, layerIdx: layer),
        ["gsa"] = layer => new GatedSlotAttention(hiddenSize: Size, numHeads: 2, numSlots: 16, normEps: 1e-6, layerIdx: layer),
        ["hgrn"] = layer => new HGRNAttention(hiddenSize: Size, normEps: 1e-6, layerIdx: layer),
        ["hgrn2"] = layer => new HGRN2Attention(hiddenSize: Size, expandRatio: 32, normEps: 1e-6, layerIdx: layer),
        ["kda"] = layer => new KimiDeltaAttention(Size, headDim: 32, numHeads: 2, normEps: 1e-6, layerIdx: layer),
        ["linear_attn"] = layer => new LinearAttention(hiddenSize: Size, numHeads: 2, normEps: 1e-6, layerIdx: layer),
        ["mamba"] = layer => new Mamba(Size, intermediateSize: 128, dtRank: 4, layerIdx: layer),
        ["mamba2"] = layer => new Mamba2(4, 32, Size, 32, layerIdx: layer),
        ["retnet"] = layer => new MultiScaleRetention(hiddenSize: Size, numHeads: 2, normEps: 1e-6, layerIdx: layer),
        ["rwkv6"] = layer => new RWKV6Attention(hiddenSize: Size, numHeads: 2, layerIdx: layer),
        ["rwkv7"] = layer => new RWKV7Attention(
            hiddenSize: Size, headDim: 32, decayLowRankDim: 64, gateLowRankDim: 128, aLowRankDim: 64, vLowRankDim: 16, fuseNorm: true,
            layerIdx: layer),
    };

    public static TheoryData<string> Names => new(Families.Keys);

    [Theory]
    [MemberData(nameof(Names))]
    public void Parameters_have_the_names_and_shapes_of_the_checkpoint(string family)
    {
        using var file = SafetensorsFile.Open(RepositoryFiles.Golden($"models/{family}/model.safetensors"));
        for (var layer = 0; layer < 2; layer++)
        {
            string[] prefixes = [$"model.layers.{layer}.attn.", $"backbone.layers.{layer}.mixer."];
            var expected = from entry in file.Tensors
                           from prefix in prefixes
                           where entry.Key.StartsWith(prefix, StringComparison.Ordinal)
                           select $"{entry.Key[prefix.Length..]} [{string.Join(", ", entry.Value.Shape)}]";
            var actual = Families[family](layer).state_dict().Select(entry => $"{entry.Key} [{string.Join(", ", entry.Value.shape)}]");
            Assert.Equal(expected.Order(StringComparer.Ordinal), actual.Order(StringComparer.Ordinal));
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void The_tree_is_printed_line_for_line(string family)
    {
        // The last mixer of the file, whose lines are indented as deep as the first of them at least.
        var lines = File.ReadAllLines(RepositoryFiles.Golden($"models/{family}/module.txt"));
        var first = Array.FindLastIndex(lines, line => line.Contains("(attn): ") || line.Contains("(mixer): "));
        var indent = lines[first].Length - lines[first].TrimStart().Length;
        var last = Array.FindIndex(lines, first, line => line == new string(' ', indent) + ")");
        string[] expected = [lines[first].Split("): ")[1], .. lines[(first + 1)..(last + 1)].Select(line => line[indent..])];
        Assert.Equal(expected, Families[family](1).ToString().Split('\n'));
    }
}
