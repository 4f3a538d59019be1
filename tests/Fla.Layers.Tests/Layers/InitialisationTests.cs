using static TorchSharp.torch;

namespace Fla.Layers.Tests.Layers;

/// <summary>What mixers begin with, where it is not what PyTorch's modules begin with.</summary>
public class InitialisationTests
{
    private static Dictionary<string, Tensor> Weights(TokenMixer mixer) => mixer.state_dict();

    private static void Between(Tensor actual, double least, double most) =>
        Assert.All(actual.data<float>().ToArray(), value => Assert.InRange(value, least, most));

    private static Tensor Softplus(Tensor x) => nn.functional.softplus(x, 1, 20);

    [Fact]
    public void Steps_begin_within_their_range()
    {
        using var scope = NewDisposeScope();
        var mamba = Weights(new Mamba(16, intermediateSize: 64, dtMin: 0.01, dtMax: 0.02));
        Between(Softplus(mamba["dt_proj.bias"]), 0.0099, 0.0201);
        Assert.True(mamba["A_log"].allclose(arange(1, 17, ScalarType.Float32).log().expand(64, 16)));
        Between(mamba["dt_proj.weight"].abs(), 0, 1); // the bottleneck has one channel
        Assert.True(mamba["D"].eq(1).all().item<bool>());

        var mamba2 = Weights(new Mamba2(headDim: 1, hiddenSize: 64, stateSize: 4, aInitRange: (2, 3)));
        Between(Softplus(mamba2["dt_bias"]), 0.00099, 0.101);
        Between(mamba2["A_log"].exp(), 1.99, 3.01);

        Between(Weights(new GatedDeltaNet(16, headDim: 2, numHeads: 64))["A_log"].exp(), 0, 16.01);
        var kda = Weights(new KimiDeltaAttention(16, headDim: 2, numHeads: 64));
        Between(kda["A_log"].exp(), 0.99, 16.01);
        Between(Softplus(kda["dt_bias"]), 0.00099, 0.101);
    }

    [Fact]
    public void The_shares_of_RWKV7_depend_on_channel_and_depth()
    {
        using var scope = NewDisposeScope();
        const int Size = 128, Layer = 1, Layers = 4;
        var weights = Weights(new RWKV7Attention(hiddenSize: Size, headDim: 64, layerIdx: Layer, numHiddenLayers: Layers));
        const int Channel = 70;
        var (place, above) = (Channel / (double)Size, 1 - Layer / (double)Layers);
        Assert.Equal(1 - Math.Pow(place, 0.2 * above), weights["x_r"][0, 0, Channel].item<float>(), 1e-5);
        Assert.Equal(1 - Math.Pow(place, 0.9 * above), weights["x_w"][0, 0, Channel].item<float>(), 1e-5);
        Assert.Equal(1 - Math.Pow(place, 0.7 * above), weights["x_v"][0, 0, Channel].item<float>(), 1e-5);

        var linear = Channel / (Size - 1.0) - 0.5;
        var within = (Channel % 64 - 31.5) / 31.5;
        var rising = -6 + 6 * Math.Pow(Channel / (Size - 1.0), 1 + Math.Pow(1 / 3.0, 0.3));
        Assert.Equal(0.71 - 0.1 * linear, weights["k_k"][Channel].item<float>(), 1e-5);
        Assert.Equal(rising + 0.5 + 2.5 * within * Math.Abs(within), weights["w_lora.lora.2.bias"][Channel].item<float>(), 1e-5);
        Assert.Equal(
            -0.19 + 0.3 * within * Math.Abs(within) + 0.4 * linear, weights["a_lora.lora.2.bias"][Channel].item<float>(), 1e-5);
        Assert.Equal(0.73 - 0.4 * linear, weights["v_lora.lora.2.bias"][Channel].item<float>(), 1e-5);
        Assert.Equal(Math.Pow(2.0 / Layers, 0.7), weights["g_norm.weight"][Channel].item<float>(), 1e-5);
        Assert.True(weights["o_proj.weight"].eq(0).all().item<bool>());
        var k = weights["k_proj.weight"];
        Assert.True(k.matmul(k.t()).allclose(0.01 * eye(Size), atol: 1e-5));
    }

    [Fact]
    public void The_bottlenecks_of_RWKV7_go_with_the_size()
    {
        var weights = Weights(new RWKV7Attention(hiddenSize: 1024, layerIdx: 1));
        string[] names = ["w_lora", "v_lora", "a_lora", "g_lora"];
        Assert.Equal([64, 64, 64, 160], names.Select(name => weights[$"{name}.lora.0.weight"].shape[0]));
    }
}
