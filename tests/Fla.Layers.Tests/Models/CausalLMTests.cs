using Fla.Dsl.Testing;
using Fla.Layers.Models;
using static TorchSharp.torch;

namespace Fla.Layers.Tests.Models;

public class CausalLMTests
{
    // fp32 over three layers, in another order of summation.
    private const double Tolerance = 1e-4;

    public static TheoryData<string> Names => [.. SmallModels.All.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Tokens_in_pieces_one_by_one_packed_and_padded_give_what_they_give_at_once(string name)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var model = Restless(SmallModels.All[name]);
        var ids = randint(67, [2, 19], ScalarType.Int64);
        var whole = model.forward(ids).Logits!;

        using var cache = new Cache();
        long[] limits = [0, 9, 13, 14, 15, 16, 17, 18, 19];
        var pieces = limits.Zip(limits.Skip(1), (begin, end) => model.forward(ids[.., (int)begin..(int)end], null, cache).Logits!);
        Assert.InRange(RelativeError.Rms(cat([.. pieces], 1), whole), 0, Tolerance);

        var packed = model.forward(cat([ids[0], ids[1][..7]]).unsqueeze(0), null, cuSeqlens: tensor(new long[] { 0, 19, 26 })).Logits!;
        Assert.InRange(RelativeError.Rms(packed[0, ..19], whole[0]), 0, Tolerance);
        Assert.InRange(RelativeError.Rms(packed[0, 19..], whole[1, ..7]), 0, Tolerance);

        using var padded = new Cache();
        var shifted = stack([ids[0], cat([full(4, 5, ScalarType.Int64), ids[1][..15]])]);
        var mask = ones(2, 19, ScalarType.Int64);
        mask[1, ..4] = 0;
        var first = model.forward(shifted[.., ..14], mask[.., ..14], padded).Logits!;
        var rest = Enumerable.Range(14, 5).Select(at => model.forward(shifted[.., at..(at + 1)], mask[.., ..(at + 1)], padded).Logits!);
        var joined = cat([first, .. rest], 1);
        Assert.InRange(RelativeError.Rms(joined[0], whole[0]), 0, Tolerance);
        Assert.InRange(RelativeError.Rms(joined[1, 4..], whole[1, ..15]), 0, Tolerance);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_training_step_reaches_every_parameter(string name)
    {
        using var scope = NewDisposeScope();
        using var model = Restless(SmallModels.All[name]);
        model.train();
        var ids = randint(67, [2, 19], ScalarType.Int64);
        var output = model.forward(ids, null, labels: ids);
        var expected = nn.functional.cross_entropy(output.Logits![.., ..18].flatten(0, 1), ids[.., 1..].flatten());
        Assert.Equal(expected.item<float>(), output.Loss!.item<float>(), 1e-5);
        output.Loss.backward();
        Assert.All(model.named_parameters(), entry =>
        {
            Assert.True(entry.parameter.grad is { } gradient && gradient.isfinite().all().item<bool>(), entry.name);
            Assert.True(entry.parameter.grad!.abs().sum().item<float>() > 0, entry.name);
        });
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_saved_model_is_read_back_as_it_was_whether_in_one_file_or_in_several(string name)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var folder = new TemporaryFolder();
        using var model = Restless(SmallModels.All[name]);
        var ids = randint(67, [1, 7], ScalarType.Int64);
        var logits = model.forward(ids).Logits!;
        foreach (var maxShardBytes in (long[])[20_000, long.MaxValue])
        {
            model.SavePretrained(folder.Path, maxShardBytes);
            Assert.Equal(maxShardBytes < long.MaxValue, Directory.GetFiles(folder.Path, "*.index.json").Length == 1);
            using var read = AutoModelForCausalLM.FromPretrained(folder.Path);
            Assert.True(read.forward(ids).Logits!.equal(logits).all().item<bool>());
            Assert.Equal(model.ToString(), read.ToString());
            Assert.Equal(model.Config.ToJson(), read.Config.ToJson());
        }
    }

    [Fact]
    public void A_fused_loss_gives_the_loss_without_logits()
    {
        using var scope = NewDisposeScope();
        var config = SmallModels.All["gla, convolved, grouped, hybrid"] with { FuseCrossEntropy = false };
        using var plain = Restless(config);
        using var fused = AutoModelForCausalLM.FromConfig(config with { FuseLinearCrossEntropy = true });
        using (no_grad())
        {
            foreach (var (name, weight) in fused.state_dict()) weight.copy_(plain.state_dict()[name]);
        }

        var ids = randint(67, [2, 9], ScalarType.Int64);
        var (expected, came) = (plain.forward(ids, null, labels: ids), fused.forward(ids, null, labels: ids));
        Assert.Null(came.Logits);
        Assert.Equal(expected.Loss!.item<float>(), came.Loss!.item<float>(), 1e-5);
    }

    [Theory]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Float64)]
    public void Models_run_in_other_types(ScalarType type)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        foreach (var config in SmallModels.All.Values)
        {
            using var model = AutoModelForCausalLM.FromConfig(config, type);
            Assert.Equal(type, model.forward(randint(67, [1, 9], ScalarType.Int64)).Logits!.dtype);
        }
    }

    [Fact]
    public void A_block_of_default_size_has_as_many_parameters_as_in_flash_linear_attention()
    {
        using var model = AutoModelForCausalLM.FromConfig(new GLAConfig { NumHiddenLayers = 1 });
        // 1,365,514,240 = 24 blocks + embeddings and head of 32000 x 2048 + a norm of 2048.
        Assert.Equal((1_365_514_240L - 2 * 32000 * 2048 - 2048) / 24 + 2 * 32000 * 2048 + 2048, model.ParameterCount);
    }

    [Fact]
    public void Bad_input_is_refused()
    {
        using var model = AutoModelForCausalLM.FromConfig(SmallModels.All["mamba"]);
        Assert.Contains("67", Assert.Throws<ArgumentException>(() => model.forward(tensor(new long[,] { { 67 } }))).Message);
        Assert.Throws<ArgumentException>(() => model.forward(tensor(new long[] { 1 })));
        Assert.Throws<ArgumentException>(() => model.forward(tensor(new[,] { { 1f } })));
        var (two, one) = (tensor(new long[,] { { 1, 2 } }), tensor(new long[,] { { 1 } }));
        Assert.Throws<ArgumentException>(() => model.forward(two, null, labels: one));
    }

    // Fresh weights are so small that layers hardly do anything, and some are 0.
    private static CausalLM Restless(PretrainedConfig config)
    {
        manual_seed(1);
        var model = AutoModelForCausalLM.FromConfig(config);
        using var noGrad = no_grad();
        foreach (var parameter in model.parameters()) parameter.add_(randn_like(parameter).mul_(0.1));
        return model;
    }
}
