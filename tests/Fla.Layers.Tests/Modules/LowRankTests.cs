using Fla.Layers.Modules;
using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Layers.Tests.Modules;

public class LowRankTests
{
    [Theory]
    [InlineData("tanh")]
    [InlineData("sigmoid")]
    [InlineData("relu")]
    [InlineData(null)]
    public void A_low_rank_map_bends_in_the_bottleneck(string? activation)
    {
        using var scope = NewDisposeScope();
        var map = new LoRA(6, 4, 3, activation: activation);
        Assert.Equal(["lora.0.weight", "lora.2.weight", "lora.2.bias"], map.state_dict().Keys);
        Assert.True(map.state_dict()["lora.0.weight"].eq(0).all().item<bool>());
        using (no_grad())
            foreach (var parameter in map.parameters())
                parameter.copy_(randn(parameter.shape));

        var (x, weights) = (randn(2, 5, 6), map.state_dict());
        var narrow = x.matmul(weights["lora.0.weight"].t());
        var bent = activation switch { "tanh" => narrow.tanh(), "sigmoid" => narrow.sigmoid(), "relu" => narrow.relu(), _ => narrow };
        Assert.True(map.forward(x).From(bent.matmul(weights["lora.2.weight"].t()) + weights["lora.2.bias"]) < 1e-5);
    }

    [Fact]
    public void Interpolated_maps_mix_a_token_with_the_one_before()
    {
        using var scope = NewDisposeScope();
        var x = randn(2, 5, 6);
        var delta = cat([zeros(2, 1, 6), x[.., ..4]], 1) - x;

        var fixedShare = new LerpLinear(6, 4);
        var weights = fixedShare.state_dict();
        using (no_grad())
            weights["mu"].copy_(randn(6));
        var expected = (x + delta * weights["mu"]).matmul(weights["linear.weight"].t());
        Assert.True(fixedShare.forward(x).From(expected) < 1e-5);
        Assert.True(fixedShare.forward(x, delta).From(expected) < 1e-5);

        var (share, mu) = (new DDLerpLinear(6, 4), randn(2, 5, 6));
        Assert.True(share.forward(x, mu, delta).From((x + delta * mu).matmul(share.state_dict()["linear.weight"].t())) < 1e-5);
    }

    [Fact]
    public void Both_may_go_through_a_bottleneck() =>
        Assert.Equal(
            ["linear.lora.0.weight", "linear.lora.2.weight", "linear.lora.2.bias", "mu"],
            new LerpLinear(6, 4, 2).state_dict().Keys.Order().OrderBy(key => key == "mu" ? 2 : key.Contains("bias") ? 1 : 0));

    [Fact]
    public void They_move_to_another_type_whole()
    {
        using var scope = NewDisposeScope();
        var map = new LerpLinear(6, 4, 2).to(ScalarType.BFloat16);
        Assert.All(map.parameters(), parameter => Assert.Equal(ScalarType.BFloat16, parameter.dtype));
        Assert.Equal(ScalarType.BFloat16, map.forward(randn(2, 5, 6).to(ScalarType.BFloat16)).dtype);
    }

    [Fact]
    public void They_print_as_PyTorch_prints_them()
    {
        Assert.Equal("LoRA(input_dim=64, low_rank_dim=16, output_dim=32)", new LoRA(64, 32, 16).ToString());
        Assert.Equal("LoRA(input_dim=64, low_rank_dim=16, output_dim=32, bias=False)", new LoRA(64, 32, 16, bias: false).ToString());
        Assert.Equal("LerpLinear(64, 160)", new LerpLinear(64, 160).ToString());
        Assert.Equal("DDLerpLinear(64, 32, low_rank_dim=64)", new DDLerpLinear(64, 32, 64).ToString());
    }
}
