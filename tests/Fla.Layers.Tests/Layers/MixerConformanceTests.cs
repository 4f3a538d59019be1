using Fla.Layers.Tests.Modules;
using Fla.Tests;
using static TorchSharp.torch;

namespace Fla.Layers.Tests.Layers;

/// <summary>What every token mixer must do, whatever it computes.</summary>
public class MixerConformanceTests
{
    // Double precision: what differs by more than rounding is wrong.
    private const double Rounding = 1e-9;

    public static TheoryData<string> Names => Mixers.Names;

    private static Tensor Tokens(long batch, long tokens) => randn(batch, tokens, Mixers.Size, dtype: ScalarType.Float64);

    [Theory]
    [MemberData(nameof(Names))]
    public void Decoding_token_by_token_equals_the_whole_sequence(string name)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var (_, forward) = Mixers.Make(name, ScalarType.Float64);
        var x = Tokens(2, 7);
        using var cache = new Cache();
        Tensor[] steps = [.. Enumerable.Range(0, 7).Select(t => forward(x[.., t..(t + 1)], cache: cache))];
        Assert.True(cat(steps, 1).From(forward(x)) < Rounding);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_sequence_may_come_in_pieces(string name)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var (mixer, forward) = Mixers.Make(name, ScalarType.Float64);
        var x = Tokens(2, 25);
        using var cache = new Cache();
        Tensor[] pieces = [forward(x[.., ..17], cache: cache), forward(x[.., 17..19], cache: cache), forward(x[.., 19..], cache: cache)];
        Assert.True(cat(pieces, 1).From(forward(x)) < Rounding);
        Assert.Equal(25, cache.GetSeqLength(mixer.LayerIdx!.Value));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Padding_changes_nothing(string name)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var (_, forward) = Mixers.Make(name, ScalarType.Float64);
        var (x, mask) = (Tokens(3, 12), ones(3, 12, ScalarType.Int64));
        mask[0, ..5] = 0; // on the left
        mask[1, 9] = 0;   // inside: as if the token were not there
        using var cache = new Cache();
        Tensor[] pieces =
        [
            forward(x[.., ..10], mask[.., ..10], cache),
            forward(x[.., 10..11], mask[.., ..11], cache),
            forward(x[.., 11..], mask, cache),
        ];
        var padded = cat(pieces, 1);

        Assert.True(padded[0, 5..].From(forward(x[0, 5..].unsqueeze(0))[0]) < Rounding);
        var present = tensor(new long[] { 0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11 });
        Assert.True(padded[1].index_select(0, present).From(forward(x[1].index_select(0, present).unsqueeze(0))[0]) < Rounding);
        Assert.True(padded[2].From(forward(x[2].unsqueeze(0))[0]) < Rounding);
        Assert.True(padded[0, ..5].eq(0).all().item<bool>());
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_batch_of_padding_alone_leaves_no_trace(string name)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var (_, forward) = Mixers.Make(name, ScalarType.Float64);
        var x = Tokens(2, 9);
        using var cache = new Cache();
        var mask = cat([zeros(2, 6), ones(2, 3)], 1);
        Assert.True(forward(x[.., ..6], mask[.., ..6], cache).eq(0).all().item<bool>());
        Assert.True(forward(x[.., 6..], mask, cache).From(forward(x[.., 6..])) < Rounding);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Packed_sequences_are_apart(string name)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var (_, forward) = Mixers.Make(name, ScalarType.Float64);
        var (x, more) = (Tokens(1, 20), Tokens(1, 4));
        using var cache = new Cache();
        var packed = forward(x, null, cache, tensor(new long[] { 0, 3, 19, 20 }));
        var continued = forward(more, null, cache, tensor(new long[] { 0, 2, 3, 4 }));

        (Range First, Range Then)[] sequences = [(..3, ..2), (3..19, 2..3), (19..20, 3..4)];
        foreach (var (first, then) in sequences)
        {
            var whole = forward(cat([x[.., first], more[.., then]], 1));
            Assert.True(cat([packed[.., first], continued[.., then]], 1).From(whole) < Rounding);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void All_modes_agree(string name)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var (mixer, forward) = Mixers.Make(name, ScalarType.Float64);
        var x = Tokens(2, 37);
        foreach (var mode in new[] { "fused_chunk", "fused_recurrent", "parallel" })
        {
            var (other, otherForward) = Mixers.Make(name, ScalarType.Float64, mode);
            other.load_state_dict(mixer.state_dict());
            Assert.True(otherForward(x).From(forward(x)) < Rounding, mode);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Gradients_are_those_of_small_differences(string name)
    {
        using var scope = NewDisposeScope();
        var (mixer, forward) = Mixers.Make(name, ScalarType.Float64);
        var (x, weights) = (Tokens(1, 5).requires_grad_(), Tokens(1, 5));
        Tensor[] leaves = [x, .. mixer.parameters()];
        (forward(x) * weights).sum().backward();

        foreach (var leaf in leaves)
        {
            using var noGrad = no_grad();
            var (direction, before) = (randn_like(leaf), leaf.clone());
            double At(double step)
            {
                leaf.copy_(before + step * direction);
                return (forward(x) * weights).sum().item<double>();
            }

            // A difference of fourth order: what it neglects, and what is rounded off, is far below what is asked for.
            const double Step = 1e-5;
            var numeric = (8 * (At(Step) - At(-Step)) - (At(2 * Step) - At(-2 * Step))) / (12 * Step);
            leaf.copy_(before);
            var analytic = (leaf.grad! * direction).sum().item<double>();
            Assert.Equal(numeric, analytic, 1e-7 * Math.Max(1, Math.Abs(numeric)));
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_training_step_moves_every_parameter_towards_less_loss(string name)
    {
        foreach (var type in new[] { ScalarType.Float32, ScalarType.BFloat16 })
        {
            using var scope = NewDisposeScope();
            var (mixer, forward) = Mixers.Make(name, type);
            var (x, target) = (Tokens(2, 33).to(type), Tokens(2, 33));
            var before = mixer.parameters().Select(parameter => parameter.clone()).ToArray();
            var output = forward(x);
            var loss = Loss(output);
            loss.backward();
            Assert.Equal(type, output.dtype);
            using (no_grad())
                foreach (var parameter in mixer.parameters())
                    parameter.sub_(0.02 * Length(parameter) / Length(parameter.grad!) * parameter.grad!);

            Assert.True(Loss(forward(x)).item<double>() < loss.item<double>(), $"{type}");
            Assert.All(
                mixer.named_parameters().Zip(before),
                pair => Assert.False(pair.First.parameter.equal(pair.Second).all().item<bool>(), $"{pair.First.name} in {type}"));

            Tensor Loss(Tensor y) => (y.to(ScalarType.Float64) - target).square().mean();

            // Steps go with a parameter's size, as Adam's do: else half precision would round those of large ones away.
            static double Length(Tensor tensor) => tensor.to(ScalarType.Float64).norm().item<double>();
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Nothing_but_output_and_state_stays_in_memory(string name)
    {
        using var noGrad = no_grad();
        var (_, forward) = Mixers.Make(name, ScalarType.Float32);
        using var x = randn(2, 5, Mixers.Size);
        using var cache = new Cache();
        forward(x, cache: cache).Dispose();
        forward(x, cache: cache).Dispose();
        var live = LiveTensors.Count;
        forward(x, cache: cache).Dispose();
        Assert.Equal(live, LiveTensors.Count);
    }

    [Fact]
    public void What_does_not_fit_is_refused_by_name()
    {
        using var scope = NewDisposeScope();
        var (_, forward) = Mixers.Make("GLA", ScalarType.Float32);
        var x = randn(2, 5, Mixers.Size);
        Assert.Throws<ArgumentException>("hiddenStates", () => forward(randn(2, 5, 3)));
        Assert.Throws<ArgumentException>("hiddenStates", () => forward(randn(5, Mixers.Size)));
        Assert.Throws<ArgumentException>("attentionMask", () => forward(x, ones(2, 4)));
        Assert.Throws<ArgumentException>("attentionMask", () => forward(x, ones(2, 5, 5)));
        Assert.Throws<ArgumentException>("cuSeqlens", () => forward(x, cuSeqlens: tensor(new long[] { 0, 5 })));
        using var cache = new Cache();
        Assert.Throws<ArgumentException>("cache", () => new GatedLinearAttention(hiddenSize: Mixers.Size).forward(x, null, cache));
        Assert.Equal(0, cache.Count);
    }

    [Fact]
    public void A_factor_that_no_binary_number_is_makes_a_whole_size() =>
        Assert.Equal(88, new GatedLinearAttention(hiddenSize: 80, expandK: 1.1).state_dict()["q_proj.weight"].shape[0]);

    [Fact]
    public void Constructors_refuse_sizes_that_do_not_fit_by_name()
    {
        Assert.Throws<ArgumentException>("mode", () => new GatedLinearAttention("chunked"));
        Assert.Throws<ArgumentException>("numHeads", () => new GatedLinearAttention(hiddenSize: 16, numHeads: 3));
        Assert.Throws<ArgumentException>("numKvHeads", () => new MultiScaleRetention(hiddenSize: 16, numHeads: 4, numKvHeads: 3));
        Assert.Throws<ArgumentException>("expandK", () => new DeltaNet(hiddenSize: 16, expandK: 0.3));
        Assert.Throws<ArgumentException>("qkNorm", () => new DeltaNet(qkNorm: "l1"));
        Assert.Throws<ArgumentException>("expandV", () => new GatedSlotAttention(hiddenSize: 16, expandV: 2));
        Assert.Throws<ArgumentException>("numHeads", () => new HGRN2Attention(hiddenSize: 16, expandRatio: null));
        Assert.Throws<ArgumentException>("expandRatio", () => new HGRN2Attention(hiddenSize: 16, expandRatio: 17));
        Assert.Throws<ArgumentException>("numVHeads", () => new GatedDeltaNet(16, headDim: 4, numHeads: 2, numVHeads: 3));
        Assert.Throws<ArgumentException>("lowerBound", () => new KimiDeltaAttention(16, headDim: 4, numHeads: 2, safeGate: true));
        Assert.Throws<ArgumentException>("headDim", () => new Mamba2(headDim: 48, hiddenSize: 16));
        Assert.Throws<ArgumentException>("numHeads", () => new Mamba2(3, headDim: 4, hiddenSize: 16));
        Assert.Throws<ArgumentException>("featureMap", () => new LinearAttention(featureMap: "taylor"));
        Assert.Throws<ArgumentException>("dtInit", () => new Mamba(16, dtInit: "zero"));
        Assert.Throws<ArgumentException>("vFirst", () => new RWKV7Attention(hiddenSize: 64, layerIdx: 1).forward(zeros(1, 1, 64)));
    }
}
