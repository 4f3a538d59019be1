using Fla.Layers.Modules;
using static TorchSharp.torch;

namespace Fla.Layers.Tests.Modules;

public class GatedMLPTests
{
    [Theory]
    [InlineData(2048, null, 5632)]
    [InlineData(2048, 2.0, 2816)]
    [InlineData(2304, 4.0, 6144)]
    [InlineData(64, 4.0, 256)]
    public void The_inner_size_is_two_thirds_of_the_ratio_in_steps_of_256(long size, double? ratio, long expected) =>
        Assert.Equal(expected, GatedMLP.IntermediateSize(size, ratio));

    [Theory]
    [InlineData("swish")]
    [InlineData("powlu")]
    public void It_is_its_formula(string act)
    {
        using var scope = NewDisposeScope();
        using var mlp = new GatedMLP(4, intermediateSize: 6, hiddenAct: act);
        var x = randn(2, 3, 4);
        var weights = mlp.state_dict();
        var gate = x.matmul(weights["gate_proj.weight"].t());
        var gated = act == "swish" ? gate * sigmoid(gate) : Activations.PoweredLinearUnit(gate);
        var expected = (gated * x.matmul(weights["up_proj.weight"].t())).matmul(weights["down_proj.weight"].t());
        Assert.True(mlp.forward(x).allclose(expected, atol: 1e-6));
    }

    [Fact]
    public void Other_activations_are_refused() =>
        Assert.Contains("'gelu'", Assert.Throws<ArgumentException>(() => new GatedMLP(4, hiddenAct: "gelu")).Message);
}
