using Fla.Layers.Modules;
using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Layers.Tests.Modules;

public class ShortConvolutionTests
{
    private const int Width = 4;

    [Theory]
    [InlineData(null, true)]
    [InlineData("silu", false)]
    [InlineData("swish", true)]
    public void It_weighs_the_last_tokens_of_each_channel(string? activation, bool bias)
    {
        using var scope = NewDisposeScope();
        using var convolution = new ShortConvolution(3, Width, bias, activation).to(ScalarType.Float64);
        var (x, weights) = (randn(2, 5, 3, dtype: ScalarType.Float64), convolution.state_dict());
        var expected = zeros(2, 5, 3, dtype: ScalarType.Float64);
        for (var t = 0; t < 5; t++)
            for (var j = Math.Max(0, Width - 1 - t); j < Width; j++)
                expected[.., t] += x[.., t - Width + 1 + j] * weights["weight"][.., 0, j];
        if (bias)
            expected += weights["bias"];
        if (activation is not null)
            expected *= sigmoid(expected);

        Assert.True(convolution.forward(x).From(expected) < 1e-12);
    }

    [Theory]
    [InlineData(1, 6)]
    [InlineData(3, 4)]
    [InlineData(6, 1)]
    public void A_sequence_may_be_cut_anywhere(int first, int second)
    {
        using var scope = NewDisposeScope();
        using var convolution = new ShortConvolution(3, Width);
        var x = randn(2, first + second, 3);
        var (whole, last) = convolution.forward(x, null, outputFinalState: true);
        var (y1, state) = convolution.forward(x[.., ..first], null, outputFinalState: true);
        var (y2, final) = convolution.forward(x[.., first..], cache: state, outputFinalState: true);

        Assert.True(cat([y1, y2], 1).From(whole) < 1e-6);
        Assert.Equal([2, 3, Width], last!.shape);
        Assert.True(final!.equal(last).all().item<bool>());
    }

    [Fact]
    public void Packed_sequences_do_not_see_each_other()
    {
        using var scope = NewDisposeScope();
        using var convolution = new ShortConvolution(3, Width);
        var (x, cache) = (randn(1, 8, 3), randn(4, 3, Width));
        var limits = tensor(new long[] { 0, 2, 2, 7, 8 });
        var (packed, states) = convolution.forward(x, cache, outputFinalState: true, cuSeqlens: limits);

        (int, int)[] bounds = [(0, 2), (2, 2), (2, 7), (7, 8)];
        foreach (var (n, (start, end)) in bounds.Index())
        {
            if (start < end)
            {
                var (alone, state) = convolution.forward(x[.., start..end], cache: cache[n..(n + 1)], outputFinalState: true);
                Assert.True(packed[.., start..end].From(alone) < 1e-6);
                Assert.True(states![n].equal(state![0]).all().item<bool>());
            }
            else
            {
                Assert.True(states![n].equal(cache[n]).all().item<bool>());
            }
        }
    }

    [Fact]
    public void The_mask_hides_padding_and_the_residual_comes_last()
    {
        using var scope = NewDisposeScope();
        using var convolution = new ShortConvolution(3, Width);
        var (x, mask) = (randn(2, 5, 3), tensor(new long[,] { { 0, 0, 1, 1, 1 }, { 1, 1, 1, 1, 1 } }));
        var masked = convolution.forward(x * mask.unsqueeze(-1));
        Assert.True(convolution.forward(x, null, residual: x, mask: mask).y.From(masked + x) < 1e-6);
    }

    [Fact]
    public void Half_precision_is_rounded_once()
    {
        using var scope = NewDisposeScope();
        using var convolution = new ShortConvolution(16, Width).to(ScalarType.BFloat16);
        var x = randn(2, 9, 16).to(ScalarType.BFloat16);
        var rounded = convolution.forward(x);
        var exact = convolution.to(ScalarType.Float32).forward(x.to(ScalarType.Float32));
        Assert.True(rounded.equal(exact.to(ScalarType.BFloat16)).all().item<bool>());
    }

    [Fact]
    public void What_does_not_fit_is_refused_by_name()
    {
        using var scope = NewDisposeScope();
        using var convolution = new ShortConvolution(3, Width);
        var x = randn(1, 5, 3);
        Assert.Throws<ArgumentException>("activation", () => new ShortConvolution(3, Width, activation: "gelu"));
        Assert.Throws<ArgumentException>("x", () => convolution.forward(randn(1, 5, 4)));
        Assert.Throws<ArgumentException>("cache", () => convolution.forward(x, cache: randn(1, 3, 3)));
        Assert.Throws<ArgumentException>("mask", () => convolution.forward(x, null, mask: ones(1, 6)));
        var limits = tensor(new long[] { 0, 5 });
        Assert.Throws<ArgumentException>("mask", () => convolution.forward(x, null, cuSeqlens: limits, mask: ones(1, 5)));
        Assert.Throws<ArgumentException>("cuSeqlens", () => convolution.forward(x, null, cuSeqlens: tensor(new long[] { 0, 4 })));
    }

    [Fact]
    public void It_prints_as_PyTorch_prints_it()
    {
        const string Sizes = "ShortConvolution(64, 64, kernel_size=(4,), stride=(1,), padding=(3,), groups=64";
        Assert.Equal($"{Sizes}, bias=False, activation=silu, backend=triton)", new ShortConvolution(64, 4).ToString());
        Assert.Equal($"{Sizes}, backend=triton)", new ShortConvolution(64, 4, bias: true, activation: null).ToString());
    }
}
