using Fla.Layers.Modules;
using static TorchSharp.torch;

namespace Fla.Layers.Tests.Modules;

public class TokenShiftTests
{
    [Fact]
    public void It_gives_the_difference_from_the_token_before()
    {
        using var scope = NewDisposeScope();
        using var shift = new TokenShift();
        var (x, before) = (randn(2, 5, 3), randn(2, 3));
        var (delta, last) = shift.forward(x, before);
        Assert.True(delta[.., 1..].equal(x[.., ..4] - x[.., 1..]).all().item<bool>());
        Assert.True(delta[.., 0].equal(before - x[.., 0]).all().item<bool>());
        Assert.True(last.equal(x[.., 4]).all().item<bool>());
        Assert.True(shift.forward(x)[.., 0].equal(-x[.., 0]).all().item<bool>());
    }

    [Fact]
    public void Packed_sequences_begin_with_their_own_past()
    {
        using var scope = NewDisposeScope();
        using var shift = new TokenShift();
        var (x, before) = (randn(1, 6, 3), randn(3, 3));
        var (delta, last) = shift.forward(x, before, tensor(new long[] { 0, 1, 1, 6 }));
        Assert.True(delta[0, 0].equal(before[0] - x[0, 0]).all().item<bool>());
        Assert.True(delta[0, 1].equal(before[2] - x[0, 1]).all().item<bool>());
        Assert.True(delta[0, 2..].equal(x[0, 1..5] - x[0, 2..]).all().item<bool>());
        Assert.True(last.equal(stack([x[0, 0], before[1], x[0, 5]])).all().item<bool>());
    }

    [Fact]
    public void A_past_of_another_shape_is_refused()
    {
        using var scope = NewDisposeScope();
        using var shift = new TokenShift();
        Assert.Throws<ArgumentException>("cache", () => shift.forward(randn(2, 5, 3), randn(1, 3)));
        Assert.Throws<ArgumentException>("x", () => shift.forward(randn(5, 3)));
    }
}
