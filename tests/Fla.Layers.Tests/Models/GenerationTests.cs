using Fla.Layers.Generation;
using Fla.Layers.Models;
using Fla.Tests;
using static TorchSharp.torch;

namespace Fla.Layers.Tests.Models;

public class GenerationTests
{
    private static readonly GenerationConfig Endless = new() { MaxNewTokens = 12, EosTokenIds = [] };

    private static CausalLM Model(string name = "gla") => AutoModelForCausalLM.FromPretrained(RepositoryFiles.Golden($"models/{name}"));

    private static long[] Row(Tensor ids, int row) => ids[row].data<long>().ToArray();

    [Theory]
    [InlineData("gla")]
    [InlineData("retnet")]
    [InlineData("rwkv7")]
    [InlineData("mamba2")]
    [InlineData("transformer")]
    public void A_left_padded_batch_gives_what_its_rows_give_alone(string name)
    {
        using var scope = NewDisposeScope();
        using var model = Model(name);
        var (long_, short_) = (tensor(new long[,] { { 5, 9, 60, 33, 7, 8 } }), tensor(new long[,] { { 17, 90, 4 } }));
        var batch = cat([long_, cat([zeros(1, 3, ScalarType.Int64), short_], 1)]);
        var mask = tensor(new long[,] { { 1, 1, 1, 1, 1, 1 }, { 0, 0, 0, 1, 1, 1 } });
        foreach (var config in (GenerationConfig[])[Endless, Endless with { UseCache = false }, Endless with { RepetitionPenalty = 1.3 }])
        {
            var together = model.Generate(batch, config, mask);
            Assert.Equal(Row(model.Generate(long_, config), 0), Row(together, 0));
            Assert.Equal(Row(model.Generate(short_, config), 0), Row(together, 1)[3..]);
        }
    }

    [Fact]
    public void Tokens_stream_as_they_come_and_stop_after_the_end()
    {
        using var scope = NewDisposeScope();
        using var model = Model();
        var prompt = tensor(new long[,] { { 5, 9, 60 } });
        var ids = Row(model.Generate(prompt, Endless), 0)[3..];
        Assert.Equal(ids, model.Stream(prompt, Endless).Select(step => step[0]));
        var end = ids[4];
        var ended = Row(model.Generate(prompt, Endless with { EosTokenIds = [end] }), 0)[3..];
        Assert.Equal(ids[..(Array.IndexOf(ids, end) + 1)], ended);
        Assert.Equal(8, model.Generate(prompt, Endless with { MaxLength = 8 }).shape[1]);
        Assert.Equal(3, model.Generate(prompt, Endless with { MaxLength = 2 }).shape[1]);
    }

    [Fact]
    public void A_sequence_that_has_ended_is_filled_up_while_others_go_on()
    {
        using var scope = NewDisposeScope();
        using var model = Model();
        var batch = tensor(new long[,] { { 5, 9, 60 }, { 17, 90, 4 } });
        var free = model.Generate(batch, Endless);
        var end = Row(free, 0)[4];
        var rows = model.Generate(batch, Endless with { EosTokenIds = [end], PadTokenId = 99 });
        var at = Array.IndexOf(Row(rows, 0), end, 3);
        Assert.All(Row(rows, 0)[(at + 1)..], id => Assert.Equal(99, id));
        Assert.Equal(Row(free, 1)[..(at + 1)], Row(rows, 1)[..(at + 1)]);
    }

    [Fact]
    public void Drawing_with_a_seed_repeats_itself_and_another_seed_does_not()
    {
        using var scope = NewDisposeScope();
        using var model = Model();
        var prompt = tensor(new long[,] { { 5, 9, 60 } });
        var config = Endless with { DoSample = true, Temperature = 2, Seed = 7 };
        Assert.Equal(Row(model.Generate(prompt, config), 0), Row(model.Generate(prompt, config), 0));
        Assert.NotEqual(Row(model.Generate(prompt, config), 0), Row(model.Generate(prompt, config with { Seed = 8 }), 0));
        Assert.Equal(Row(model.Generate(prompt, Endless), 0), Row(model.Generate(prompt, config with { TopK = 1 }), 0));
        Assert.Equal(Row(model.Generate(prompt, Endless), 0), Row(model.Generate(prompt, config with { TopP = 1e-6 }), 0));
    }

    [Fact]
    public void Only_the_likeliest_are_drawn()
    {
        using var scope = NewDisposeScope();
        // Probabilities 0.5, 0.25, 0.125, 0.125.
        var logits = tensor(new[,] { { 8.0, 4.0, 2.0, 2.0 } }).log();
        var present = tensor(new long[,] { { 0 } });
        Assert.Equal([0, 1, 2, 3], Drawn(new GenerationConfig()));
        Assert.Equal([0, 1], Drawn(new GenerationConfig { TopK = 2 }));
        Assert.Equal([0], Drawn(new GenerationConfig { TopP = 0.45 }));
        Assert.Equal([0, 1], Drawn(new GenerationConfig { TopP = 0.6 }));
        // Halving the likeliest one's positive logit, ln 8, makes it ln 2.83: below ln 4.
        Assert.Equal([1], Drawn(new GenerationConfig { RepetitionPenalty = 2, TopK = 1 }));

        long[] Drawn(GenerationConfig config)
        {
            using var choice = new TokenChoice(config with { DoSample = true, Seed = 3 }, CPU);
            return [.. Enumerable.Range(0, 300).Select(_ => choice.Next(logits, present).item<long>()).Distinct().Order()];
        }
    }

    [Theory]
    [InlineData("gla")]
    [InlineData("delta_net")]
    [InlineData("rwkv6")]
    [InlineData("mamba")]
    public void Memory_for_earlier_tokens_does_not_grow(string name)
    {
        using var scope = NewDisposeScope();
        using var model = Model(name);
        using var run = new GenerationRun(model, tensor(new long[,] { { 5, 9, 60, 33, 7 } }), null, Endless);
        run.Next([false], 0);
        var bytes = run.CacheBytes;
        for (var i = 0; i < 40; i++) run.Next([false], 0);
        Assert.True(bytes > 0);
        Assert.Equal(bytes, run.CacheBytes);
    }

    [Fact]
    public void Generation_leaves_no_tensor_behind()
    {
        using var model = Model();
        using var prompt = tensor(new long[,] { { 5, 9, 60 } });
        model.Generate(prompt, Endless).Dispose();
        var before = LiveTensors.Count;
        model.Generate(prompt, Endless with { MaxNewTokens = 40 }).Dispose();
        Assert.Equal(before, LiveTensors.Count);
    }

    [Fact]
    public void Settings_out_of_range_are_refused_by_name()
    {
        using var model = Model();
        using var prompt = tensor(new long[,] { { 5, 9, 60 } });
        Refused(new GenerationConfig { Temperature = 0 }, "Temperature");
        Refused(new GenerationConfig { TopP = 1.5 }, "TopP");
        Refused(new GenerationConfig { TopK = 0 }, "TopK");
        Refused(new GenerationConfig { RepetitionPenalty = 0 }, "RepetitionPenalty");
        Refused(new GenerationConfig { MaxNewTokens = null }, "MaxLength");
        using var right = tensor(new long[,] { { 1, 1, 0 } });
        Assert.Contains("left", Assert.Throws<ArgumentException>(() => model.Generate(prompt, null, right)).Message);

        void Refused(GenerationConfig config, string name) =>
            Assert.Contains(name, Assert.Throws<ArgumentException>(() => model.Generate(prompt, config)).Message);
    }
}
