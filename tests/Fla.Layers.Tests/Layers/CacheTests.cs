using static TorchSharp.torch;

namespace Fla.Layers.Tests.Layers;

public class CacheTests
{
    [Fact]
    public void What_is_null_stays_and_what_is_given_replaces()
    {
        using var cache = new Cache();
        cache.Update(1, recurrentState: [ones(2)], convState: [ones(3)], offset: 5);
        var layer = cache.Update(1, recurrentState: [zeros(2)], offset: 2);
        Assert.Equal(0, layer.RecurrentState![0].sum().item<float>());
        Assert.Equal(3, layer.ConvState![0].sum().item<float>());
        Assert.Equal((7, 0, 1), (cache.GetSeqLength(1), cache.GetSeqLength(), cache.Count));
        Assert.Equal(4 * (2 + 3), cache.Bytes);
        Assert.Null(cache[0]);
    }

    [Fact]
    public void Tensors_outlive_the_scope_they_were_made_in_and_go_with_the_cache()
    {
        Tensor state;
        var cache = new Cache();
        using (NewDisposeScope()) cache.Update(0, recurrentState: [state = ones(4)], ffnState: ones(2, 3)[.., 1], offset: 1);
        Assert.Equal(4, state.sum().item<float>());
        cache.Update(0, recurrentState: [state], offset: 1);
        Assert.False(state.IsInvalid);
        cache.Update(0, recurrentState: [ones(4)]);
        Assert.True(state.IsInvalid);
        var last = cache[0]!.FfnState!;
        cache.Dispose();
        Assert.True(last.IsInvalid);
        Assert.Equal(0, cache.Count);
    }

    [Fact]
    public void A_window_keeps_the_last_keys_and_values()
    {
        using var cache = new Cache();
        var keys = arange(10).reshape(1, 10, 1);
        var layer = cache.Update(0, attnState: (keys.clone(), keys.clone()), offset: 10, windowSize: 4);
        Assert.Equal([6, 7, 8, 9], layer.AttnState!.Value.Keys.data<long>());
        Assert.Equal(10, cache.GetSeqLength());
        Assert.Equal(2 * 4 * 8, cache.Bytes);
    }

    [Fact]
    public void Bad_arguments_are_refused()
    {
        using var cache = new Cache();
        Assert.Throws<ArgumentException>(() => cache.Update(-1));
        Assert.Throws<ArgumentException>(() => cache.Update(0, offset: -1));
        Assert.Throws<ArgumentException>(() => cache.Update(0, windowSize: 0));
    }
}
