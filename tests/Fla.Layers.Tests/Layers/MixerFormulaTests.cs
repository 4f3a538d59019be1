using Fla.Layers.Tests.Modules;
using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Layers.Tests.Layers;

/// <summary>Options of mixers that no figures are there for, against the recurrence walked through token by token.</summary>
public class MixerFormulaTests
{
    private const int Size = 16, Tokens = 6;

    private static Tensor Silu(Tensor x) => x * sigmoid(x);

    private static Tensor Softplus(Tensor x) => x.exp().log1p();

    private static Tensor Rms(Tensor x) => x / (x.square().mean([-1], keepdim: true) + 1e-5).sqrt();

    // A layer with drawn weights, a sequence of one, and projections by name.
    private static (Tensor X, Func<string, Tensor> Weight, Func<string, Tensor> Projected) Drawn(TokenMixer layer)
    {
        manual_seed(2405);
        layer.to(ScalarType.Float64);
        using (no_grad())
            foreach (var parameter in layer.parameters())
                parameter.add_(randn_like(parameter) * 0.3);
        var (x, weights) = (randn(1, Tokens, Size, dtype: ScalarType.Float64), layer.state_dict());
        return (x, name => weights[name], name => x[0].matmul(weights[$"{name}.weight"].t()));
    }

    [Fact]
    public void Simple_GLA_has_a_decay_for_each_head_and_shares_keys()
    {
        using var scope = NewDisposeScope();
        const int Heads = 4, Shared = 2, Dim = 4;
        var layer = new SimpleGatedLinearAttention(
            hiddenSize: Size, numHeads: Heads, numKvHeads: 2, featureMap: "relu", useShortConv: false, gateLogitNormalizer: 3);
        var (x, weight, projected) = Drawn(layer);
        var (q, k, v) = (projected("q_proj").relu(), projected("k_proj").relu(), projected("v_proj"));
        var decay = sigmoid(projected("gk_proj") + weight("gk_proj.bias")).pow(1.0 / 3);
        var o = zeros(Tokens, Heads * Dim, dtype: ScalarType.Float64);
        for (var h = 0; h < Heads; h++)
        {
            var (own, kept) = (h * Dim, h / Shared * Dim);
            var state = zeros(Dim, Dim, dtype: ScalarType.Float64);
            for (var t = 0; t < Tokens; t++)
            {
                state = decay[t, h] * state + outer(k[t].narrow(0, kept, Dim), v[t].narrow(0, kept, Dim));
                var read = state.t().mv(q[t].narrow(0, own, Dim)) / Math.Sqrt(Dim);
                o[t, own..(own + Dim)] = Rms(read) * weight("g_norm_swish_gate.weight");
            }
        }

        var expected = (o * Silu(projected("g_proj"))).matmul(weight("o_proj.weight").t());
        Assert.True(layer.forward(x)[0].From(expected) < 1e-9);
    }

    [Fact]
    public void Heads_of_retention_that_share_keys_have_decays_of_their_own()
    {
        using var scope = NewDisposeScope();
        const int Heads = 4, Shared = 2, Dim = 4;
        var layer = new MultiScaleRetention(
            hiddenSize: Size, expandV: 1, numHeads: Heads, numKvHeads: 2, featureMap: "relu", useOutputGate: false);
        var (x, weight, projected) = Drawn(layer);
        var (q, k, v) = (projected("q_proj").relu(), projected("k_proj").relu(), projected("v_proj"));
        var o = zeros(Tokens, Heads * Dim, dtype: ScalarType.Float64);
        for (var h = 0; h < Heads; h++)
        {
            var (own, kept) = (h * Dim, h / Shared * Dim);
            var state = zeros(Dim, Dim, dtype: ScalarType.Float64);
            for (var t = 0; t < Tokens; t++)
            {
                var key = Rotation.Turned(k[t].narrow(0, kept, Dim), t, 10000);
                state = (1 - Math.Pow(2, -5 - h)) * state + outer(key, v[t].narrow(0, kept, Dim));
                var read = state.t().mv(Rotation.Turned(q[t].narrow(0, own, Dim), t, 10000)) / Math.Sqrt(Dim);
                o[t, own..(own + Dim)] = Rms(read) * weight("g_norm.weight");
            }
        }

        Assert.True(layer.forward(x)[0].From(o.matmul(weight("o_proj.weight").t())) < 1e-8);
    }

    [Fact]
    public void A_ratio_of_HGRN2_that_does_not_divide_the_channels_leaves_fewer_keys()
    {
        using var scope = NewDisposeScope();
        const int Ratio = 6, Heads = 2, Dim = 8;
        var layer = new HGRN2Attention(hiddenSize: Size, expandRatio: Ratio);
        var (x, weight, projected) = Drawn(layer);
        var (q, f, i) = (Silu(projected("q_proj")), sigmoid(projected("f_proj")), projected("i_proj"));
        var o = zeros(Tokens, Size, dtype: ScalarType.Float64);
        for (var h = 0; h < Heads; h++)
        {
            var state = zeros(Ratio, Dim, dtype: ScalarType.Float64);
            for (var t = 0; t < Tokens; t++)
            {
                var kept = f[t].narrow(0, h * Ratio, Ratio);
                state = kept.unsqueeze(-1) * state + outer(1 - kept, i[t].narrow(0, h * Dim, Dim));
                o[t, (h * Dim)..((h + 1) * Dim)] = state.t().mv(q[t].narrow(0, h * Ratio, Ratio)) / Math.Sqrt(Ratio);
            }
        }

        var expected = (Rms(o) * weight("g_norm.weight")).matmul(weight("o_proj.weight").t());
        Assert.True(layer.forward(x)[0].From(expected) < 1e-9);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Neighbouring_heads_of_Mamba2_share_a_group(bool channelSkips)
    {
        using var scope = NewDisposeScope();
        const int Heads = 4, Dim = 8, Inner = 32, States = 3, Groups = 2, Width = 4;
        var layer = new Mamba2(Heads, Dim, Size, States, nGroups: Groups, dHasHdim: channelSkips, dtLimit: (0.01, 0.6));
        var (x, weight, projected) = Drawn(layer);
        var parts = projected("in_proj").split([Inner, Inner + 2 * Groups * States, Heads], dim: -1);
        var mixed = zeros_like(parts[1]);
        for (var t = 0; t < Tokens; t++)
            for (var j = Math.Max(0, Width - 1 - t); j < Width; j++)
                mixed[t] += parts[1][t - Width + 1 + j] * weight("conv1d.weight")[.., 0, j];
        mixed = Silu(mixed + weight("conv1d.bias"));
        var dt = Softplus(parts[2] + weight("dt_bias")).clamp(0.01, 0.6);
        var rate = -weight("A_log").exp();
        var skip = channelSkips ? weight("D") : weight("D").repeat_interleave(Dim);
        var y = mixed[.., ..Inner] * skip;
        for (var h = 0; h < Heads; h++)
        {
            var group = h / (Heads / Groups) * States;
            var state = zeros(Dim, States, dtype: ScalarType.Float64);
            for (var t = 0; t < Tokens; t++)
            {
                var input = mixed[t].narrow(0, h * Dim, Dim) * dt[t, h];
                state = (rate[h] * dt[t, h]).exp() * state + outer(input, mixed[t].narrow(0, Inner + group, States));
                y[t, (h * Dim)..((h + 1) * Dim)] += state.mv(mixed[t].narrow(0, Inner + Groups * States + group, States));
            }
        }

        var gated = (y * Silu(parts[0])).view(Tokens, Groups, -1);
        var expected = (Rms(gated).view(Tokens, Inner) * weight("norm.weight")).matmul(weight("out_proj.weight").t());
        Assert.True(layer.forward(x)[0].From(expected) < 1e-9);
    }

    [Theory]
    [InlineData("elu", "sum", false, false)]
    [InlineData("relu", "l2", true, true)]
    [InlineData("identity", "l2", true, false)]
    [InlineData("silu", "sum", true, true)]
    public void DeltaNet_bends_and_normalises_queries_and_keys(string activation, string norm, bool useBeta, bool negative)
    {
        using var scope = NewDisposeScope();
        const int Heads = 2, Dim = 8;
        var layer = new DeltaNet(
            hiddenSize: Size,
            numHeads: Heads,
            useBeta: useBeta,
            useShortConv: false,
            allowNegEigval: negative,
            qkActivation: activation,
            qkNorm: norm);
        var (x, weight, projected) = Drawn(layer);
        var (q, k, v) = (Features("q_proj"), Features("k_proj"), Silu(projected("v_proj")));
        var beta = useBeta ? sigmoid(projected("b_proj")) * (negative ? 2 : 1) : ones(Tokens, Heads, ScalarType.Float64);
        var o = zeros(Tokens, Heads, Dim, dtype: ScalarType.Float64);
        for (var h = 0; h < Heads; h++)
        {
            var state = zeros(Dim, Dim, dtype: ScalarType.Float64);
            for (var t = 0; t < Tokens; t++)
            {
                var missing = v[t].narrow(0, h * Dim, Dim) - state.t().mv(k[t, h]);
                state = state + beta[t, h] * outer(k[t, h], missing);
                o[t, h] = state.t().mv(q[t, h]) / Math.Sqrt(Dim);
            }
        }

        var expected = (Rms(o) * weight("o_norm.weight")).flatten(-2).matmul(weight("o_proj.weight").t());
        var actual = layer.forward(x)[0];
        Assert.True(actual.From(expected) < 1e-8 * expected.abs().max().item<double>());

        Tensor Features(string name)
        {
            var bent = activation switch
            {
                "elu" => nn.functional.elu(projected(name), 1) + 1,
                "relu" => projected(name).relu(),
                "silu" => Silu(projected(name)),
                _ => projected(name),
            };
            var heads = bent.view(Tokens, Heads, Dim);
            return norm == "sum" ? heads / heads.sum(-1, keepdim: true) : heads / (heads.square().sum(-1, keepdim: true) + 1e-6).sqrt();
        }
    }

    [Fact]
    public void KDA_with_a_bound_keeps_log_decays_above_it()
    {
        using var scope = NewDisposeScope();
        const int Heads = 2, ValueHeads = 4, Dim = 4;
        var layer = new KimiDeltaAttention(Size, 1, Dim, Heads, ValueHeads, useShortConv: false, safeGate: true, lowerBound: -2);
        var (x, weight, projected) = Drawn(layer);
        var (q, k) = (Unit("q_proj"), Unit("k_proj"));
        var v = Silu(projected("v_proj")).view(Tokens, ValueHeads, Dim);
        var step = projected("f_proj.0").matmul(weight("f_proj.1.weight").t()) + weight("dt_bias");
        var g = -2 * sigmoid(weight("A_log").exp().unsqueeze(-1) * step.view(Tokens, ValueHeads, Dim));
        var beta = sigmoid(projected("b_proj"));
        var o = zeros(Tokens, ValueHeads, Dim, dtype: ScalarType.Float64);
        for (var h = 0; h < ValueHeads; h++)
        {
            var (state, own) = (zeros(Dim, Dim, dtype: ScalarType.Float64), h / 2);
            for (var t = 0; t < Tokens; t++)
            {
                state = g[t, h].exp().unsqueeze(-1) * state;
                state = state + beta[t, h] * outer(k[t, own], v[t, h] - state.t().mv(k[t, own]));
                o[t, h] = state.t().mv(q[t, own]) / Math.Sqrt(Dim);
            }
        }

        var gate = projected("g_proj.0").matmul(weight("g_proj.1.weight").t()) + weight("g_proj.1.bias");
        var normed = (Rms(o) * weight("o_norm.weight")).flatten(-2);
        Assert.True(layer.forward(x)[0].From((normed * sigmoid(gate)).matmul(weight("o_proj.weight").t())) < 1e-9);

        Tensor Unit(string name)
        {
            var heads = Silu(projected(name)).view(Tokens, Heads, Dim);
            return heads / (heads.square().sum(-1, keepdim: true) + 1e-6).sqrt();
        }
    }

    [Fact]
    public void A_lower_bound_holds_from_the_second_layer_on()
    {
        using var scope = NewDisposeScope();
        var (first, second) = (new HGRNAttention(hiddenSize: Size, layerIdx: 0), new HGRNAttention(hiddenSize: Size, layerIdx: 1));
        second.load_state_dict(first.state_dict());
        var (x, bound) = (randn(1, Tokens, Size), full(Size, 0.9));
        Assert.True(first.forward(x, null, null, null, bound).From(first.forward(x)) < 1e-6);
        Assert.True(second.forward(x, null, null, null, bound).From(first.forward(x)) > 1e-4);
        Assert.True(second.forward(x, null, null, null, full(Size, 1e-30)).From(first.forward(x)) < 1e-6);
    }
}
