using Fla.Layers.Checkpoints;
using Fla.Layers.Models;
using static TorchSharp.torch;

namespace Fla.Layers.Tests.Models;

public sealed class MalformedCheckpointTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public MalformedCheckpointTests()
    {
        foreach (var file in Directory.GetFiles(RepositoryFiles.Golden("models/transformer")))
            File.Copy(file, folder.File(Path.GetFileName(file)));
    }

    private string Weights => folder.File("model.safetensors");

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Missing_unexpected_and_misshapen_tensors_are_named()
    {
        Change(tensors =>
        {
            tensors.Remove("model.norm.weight");
            tensors["model.layers.7.extra"] = zeros(3);
            tensors["lm_head.weight"] = zeros(128, 63);
        });
        var message = Refusal<CheckpointException>();
        Assert.Contains("missing: model.norm.weight", message);
        Assert.Contains("unexpected: model.layers.7.extra", message);
        Assert.Contains("lm_head.weight (expected [128, 64], came [128, 63])", message);
    }

    [Fact]
    public void Tensors_that_are_no_floating_point_numbers_are_named()
    {
        Change(tensors => tensors["model.norm.weight"] = zeros(64, dtype: ScalarType.Int64));
        Assert.Contains("model.norm.weight (Int64)", Refusal<CheckpointException>());
    }

    [Fact]
    public void A_truncated_file_is_told()
    {
        var bytes = File.ReadAllBytes(Weights);
        File.WriteAllBytes(Weights, bytes[..(bytes.Length / 2)]);
        Refusal<SafetensorsException>();
    }

    [Fact]
    public void A_header_that_claims_more_than_there_is_is_told()
    {
        File.WriteAllBytes(Weights, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, (byte)'{']);
        Refusal<SafetensorsException>();
    }

    [Theory]
    [InlineData("""{"weight_map": {"model.norm.weight": "model-00001-of-00001.safetensors"}}""", "model-00001-of-00001.safetensors")]
    [InlineData("""{"weight_map": {"model.norm.weight": "../model.safetensors"}}""", "beside it")]
    [InlineData("""{"weight_map": {"model.norm.weight": 3}}""", "name of a file")]
    [InlineData("""{"weight_map": 3}""", "weight_map")]
    [InlineData("""{""", "JSON")]
    [InlineData("""{"weight_map": {"other": "shard.safetensors"}}""", "'other'")]
    public void A_broken_index_is_told(string index, string told)
    {
        File.Move(Weights, folder.File("shard.safetensors"));
        File.WriteAllText(folder.File("model.safetensors.index.json"), index);
        Assert.Contains(told, Refusal<CheckpointException>());
    }

    [Fact]
    public void A_folder_without_weights_or_configuration_is_told()
    {
        File.Delete(Weights);
        Assert.Contains("came neither", Refusal<CheckpointException>());
        File.Delete(folder.File("config.json"));
        Assert.Contains("config.json", Refusal<CheckpointException>());
        Assert.Throws<DirectoryNotFoundException>(() => AutoModelForCausalLM.FromPretrained(folder.File("none")));
    }

    [Theory]
    [InlineData("\"num_heads\": 2", "\"num_heads\": 3", "num_heads")]
    [InlineData("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 2000000000", "num_hidden_layers")]
    [InlineData("\"intermediate_size\": null", "\"intermediate_size\": 2000000000000", "intermediate_size")]
    [InlineData("\"vocab_size\": 128", "\"vocab_size\": 2147483647, \"hidden_size\": 1073741824", "")]
    public void A_configuration_that_cannot_be_built_is_told_with_its_file(string given, string instead, string named)
    {
        var path = folder.File("config.json");
        var text = File.ReadAllText(path);
        if (named.Length == 0) text = text.Replace("\"hidden_size\": 64,", "");
        File.WriteAllText(path, text.Replace(given, instead));
        var message = Refusal<CheckpointException>();
        Assert.Contains(path, message);
        Assert.Contains(named, message);
    }

    [Fact]
    public void Gate_and_up_projection_in_one_tensor_are_taken_apart()
    {
        using var scope = NewDisposeScope();
        using var today = AutoModelForCausalLM.FromPretrained(folder.Path);
        Change(tensors =>
        {
            foreach (var layer in (int[])[0, 1])
            {
                var prefix = $"model.layers.{layer}.mlp.";
                tensors[prefix + "gate_proj.weight"] = cat([tensors[prefix + "gate_proj.weight"], tensors[prefix + "up_proj.weight"]]);
                tensors.Remove(prefix + "up_proj.weight");
                tensors[$"model.layers.{layer}.attn.norm.weight"] = tensors[$"model.layers.{layer}.attn_norm.weight"];
                tensors.Remove($"model.layers.{layer}.attn_norm.weight");
            }
        });
        using var before = AutoModelForCausalLM.FromPretrained(folder.Path);
        var weights = before.state_dict();
        Assert.All(today.state_dict(), entry => Assert.True(entry.Value.equal(weights[entry.Key]).all().item<bool>(), entry.Key));
    }

    [Fact]
    public void Weights_are_converted_to_the_type_that_is_asked_for()
    {
        using var model = AutoModelForCausalLM.FromPretrained(folder.Path, ScalarType.BFloat16);
        Assert.All(model.parameters(), parameter => Assert.Equal(ScalarType.BFloat16, parameter.dtype));
    }

    private void Change(Action<Dictionary<string, Tensor>> change)
    {
        using var scope = NewDisposeScope();
        Dictionary<string, Tensor> tensors;
        using (var file = SafetensorsFile.Open(Weights)) tensors = file.ReadAll();
        change(tensors);
        SafetensorsFile.Save(Weights, tensors);
    }

    private string Refusal<T>()
        where T : Exception =>
        Assert.Throws<T>(() => AutoModelForCausalLM.FromPretrained(folder.Path)).Message;
}
