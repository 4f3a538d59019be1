using CsCheck;
using Fla.Dsl;
using Fla.Dsl.Testing;
using static Fla.Dsl.Recurrences;
using static TorchSharp.torch;
using Tensors = System.Collections.Generic.Dictionary<string, TorchSharp.torch.Tensor>;

namespace Fla.Ops.Tests.Language;

/// <summary>What the oracle promises of any declaration: layouts, defaults, packing, gradients, and what it refuses.</summary>
public class OracleTests
{
    private const double Exact = 1e-12;

    /// <summary>One of everything: a scalar gate with fewer heads, a per-head bonus, a state that merely passes an argument on.</summary>
    public static class Everything
    {
        private static Vec<V> Step(
            Vec<K> q, Vec<K> k, Vec<V> v, [LogDecay] Scalar g, [PerHead] Vec<K> u, [PerHead(Default = nameof(Half))] Scalar gamma,
            ref State<K, V> S, ref State<K> previous, [Scale] Scalar scale)
        {
            var shifted = 0.5 * (k + previous);
            previous = k;
            S = gamma * (Exp(g) * S) + Outer(Sigmoid(u) * shifted, v - Dot(shifted, S));
            return scale * Dot(q, S);
        }

        private static double Half(int head, int heads) => 0.5 + 0.1 * head / heads;
    }

    public static class CountsTokens
    {
        private static Scalar Step(Scalar x, [PerHead] Mat<K, V> A, ref State<K, V> S)
        {
            S += A;
            return x * Dot(Dot(S, new Vec<V>(1, 1)), new Vec<K>(1, 1, 1));
        }
    }

    [Fact]
    public void Gradients_are_the_limit_of_differences()
    {
        using var scope = NewDisposeScope();
        var arguments = new Tensors
        {
            ["q"] = Random(2, 5, 4, 3),
            ["k"] = Random(2, 5, 2, 3),
            ["v"] = Random(2, 5, 4, 2),
            ["g"] = -Random(2, 5, 1).abs(),
            ["u"] = Random(2, 3),
            ["gamma"] = Random(4).abs(),
        };
        var initial = new Tensors { ["S"] = Random(2, 4, 3, 2), ["previous"] = Random(2, 4, 3) };
        var gradOutput = Random(2, 5, 4, 2);
        var gradFinal = new Tensors { ["S"] = Random(2, 4, 3, 2), ["previous"] = Random(2, 4, 3) };

        var gradients = Oracle.Differentiate(typeof(Everything), arguments, gradOutput, gradFinal, initial);

        foreach (var (name, tensor) in arguments)
            Same(Differences(tensor), gradients.Arguments[name], 1e-6);
        foreach (var (name, tensor) in initial)
            Same(Differences(tensor), gradients.InitialStates[name], 1e-6);

        Tensor Differences(Tensor x)
        {
            var result = zeros_like(x);
            var (flat, into) = (x.view(-1), result.view(-1));
            for (var i = 0L; i < x.numel(); i++)
            {
                var number = flat[i].item<double>();
                into[i] = (Loss(number + 1e-5) - Loss(number - 1e-5)) / 2e-5;
                flat[i] = number;

                Tensor Loss(double shifted)
                {
                    flat[i] = shifted;
                    var (o, final) = Oracle.Run(typeof(Everything), arguments, initial);
                    return final.Aggregate((o * gradOutput).sum(), (sum, state) => sum + (state.Value * gradFinal[state.Key]).sum());
                }
            }
            return result;
        }
    }

    [Fact]
    public void Packed_sequences_are_sequences_apart() =>
        Gen.Select(Gen.Int[0, 4], Gen.Int[1, 4], Gen.Int[0, 3]).Sample((first, second, third) =>
        {
            using var scope = NewDisposeScope();
            long[] ends = [0, first, first + second, first + second + third];
            var arguments = Some(1, (int)ends[3], 2);
            var initial = new Tensors { ["S"] = Random(3, 2, 3, 2), ["previous"] = Random(3, 2, 3) };
            var gradOutput = Random(1, ends[3], 2, 2);
            var packed = Oracle.Differentiate(
                typeof(Everything), arguments, gradOutput, null, initial, cuSeqlens: tensor(ends));

            var u = zeros(2, 3, float64);
            for (var n = 0; n < 3; n++)
            {
                var tokens = TensorIndex.Slice(ends[n], ends[n + 1]);
                var alone = Oracle.Differentiate(
                    typeof(Everything),
                    arguments.ToDictionary(a => a.Key, a => a.Key == "u" ? a.Value : a.Value[.., tokens]),
                    gradOutput[.., tokens],
                    null,
                    initial.ToDictionary(s => s.Key, s => s.Value[n..(n + 1)]));
                Same(packed.Result.Output[.., tokens], alone.Result.Output);
                Same(packed.Result.FinalStates["S"][n..(n + 1)], alone.Result.FinalStates["S"]);
                Same(packed.Arguments["g"][.., tokens], alone.Arguments["g"]);
                Same(packed.InitialStates["S"][n..(n + 1)], alone.InitialStates["S"]);
                u += alone.Arguments["u"];
            }
            Same(packed.Arguments["u"], u);
        }, iter: 10);

    [Fact]
    public void A_sequence_may_be_cut_anywhere() => Gen.Int[0, 6].Sample(cut =>
    {
        using var scope = NewDisposeScope();
        var arguments = Some(2, 6, 2);
        Tensors Part(TensorIndex tokens) => arguments.ToDictionary(a => a.Key, a => a.Key == "u" ? a.Value : a.Value[.., tokens]);

        var whole = Oracle.Run(typeof(Everything), arguments);
        var first = Oracle.Run(typeof(Everything), Part(TensorIndex.Slice(0, cut)));
        var second = Oracle.Run(typeof(Everything), Part(TensorIndex.Slice(cut, 6)), first.FinalStates);

        Same(whole.Output, cat([first.Output, second.Output], 1));
        Same(whole.FinalStates["S"], second.FinalStates["S"]);
    }, iter: 7);

    [Fact]
    public void Fewer_heads_are_repeated_heads_whose_gradients_sum()
    {
        using var scope = NewDisposeScope();
        var grouped = Some(2, 4, 4);
        grouped["k"] = Random(2, 4, 2, 3);
        var repeated = new Tensors(grouped) { ["k"] = grouped["k"].repeat_interleave(2, dim: 2) };
        var gradOutput = Random(2, 4, 4, 2);

        var a = Oracle.Differentiate(typeof(Everything), grouped, gradOutput);
        var b = Oracle.Differentiate(typeof(Everything), repeated, gradOutput);

        Same(a.Result.Output, b.Result.Output);
        Same(a.Arguments["k"], b.Arguments["k"].view(2, 4, 2, 2, 3).sum(3));
    }

    [Fact]
    public void What_is_left_out_has_its_default()
    {
        using var scope = NewDisposeScope();
        var arguments = Some(1, 3, 2);
        var given = new Tensors(arguments) { ["gamma"] = tensor(new[] { 0.5, 0.55 }) };
        var zeros3 = new Tensors { ["S"] = zeros(1, 2, 3, 2), ["previous"] = zeros(1, 2, 3) };
        Same(
            Oracle.Run(typeof(Everything), arguments).Output,
            Oracle.Run(typeof(Everything), given, zeros3, 1 / Math.Sqrt(3)).Output);
    }

    [Fact]
    public void Scalars_and_matrices_have_their_layouts()
    {
        using var scope = NewDisposeScope();
        var arguments = new Tensors { ["x"] = ones(2, 5, 3), ["A"] = ones(3, 3, 2) };
        var result = Oracle.Differentiate(typeof(CountsTokens), arguments, ones(2, 5, 3));
        Same(result.Result.Output, (6 * arange(1, 6, float64)).view(1, 5, 1).expand(2, 5, 3));
        Same(result.Result.FinalStates["S"], full([2, 3, 3, 2], 5.0, float64));
        Same(result.Arguments["A"], full([3, 3, 2], 2 * 15.0, float64));
    }

    [Fact]
    public void Any_floating_point_type_is_taken_and_fp64_given()
    {
        using var scope = NewDisposeScope();
        var arguments = Some(1, 3, 1);
        var half = arguments.ToDictionary(a => a.Key, a => a.Value.to_type(ScalarType.BFloat16));
        var result = Oracle.Run(typeof(Everything), half).Output;
        Assert.Equal(ScalarType.Float64, result.dtype);
        Same(result, Oracle.Run(typeof(Everything), arguments).Output, 0.05);
    }

    [Fact]
    public void Bad_input_is_refused_by_name()
    {
        using var scope = NewDisposeScope();
        Refuses("'gate'", a => a.Add("gate", ones(1)));
        Refuses("'k' is missing", a => a.Remove("k"));
        Refuses("expected [B, T, H, K], got [1, 3, 2]", a => a["k"] = ones(1, 3, 2));
        Refuses("K is 3 by q", a => a["k"] = ones(1, 3, 2, 4));
        Refuses("T is 3 by q", a => a["v"] = ones(1, 4, 2, 2));
        Refuses("2 heads, which do not divide the 3", a => a["k"] = ones(1, 3, 3, 3));
        Refuses("N is 1 by the batch", _ => { }, new() { ["S"] = ones(2, 2, 3, 2) });
        Refuses("no initial state 'h'", _ => { }, new() { ["h"] = ones(2, 2, 3, 2) });
        Refuses("expected 0 rising to T = 3", _ => { }, cuSeqlens: tensor(new long[] { 0, 2 }));
        Refuses("expected int64", _ => { }, cuSeqlens: tensor(new[] { 0, 3 }));
        Assert.Contains("gradient of the output", Assert.Throws<ArgumentException>(
            () => Oracle.Differentiate(typeof(Everything), Some(1, 3, 2), ones(1, 3, 2, 4))).Message);
        Assert.Contains("do not fit", Assert.Throws<ArgumentException>(
            () => Oracle.Run(typeof(CountsTokens), new Tensors { ["x"] = ones(1, 2, 1), ["A"] = ones(1, 3, 9) })).Message);
        Assert.Contains("has no [Scale]", Assert.Throws<ArgumentException>(
            () => Oracle.Run(typeof(CountsTokens), new Tensors(), scale: 1)).Message);
        Assert.Contains("one static method Step", Assert.Throws<ArgumentException>(
            () => Oracle.Run(typeof(OracleTests), new Tensors())).Message);

        static void Refuses(string message, Action<Tensors> spoil, Tensors? initial = null, Tensor? cuSeqlens = null)
        {
            var arguments = Some(1, 3, 2);
            spoil(arguments);
            var error = Assert.Throws<ArgumentException>(() => Oracle.Run(typeof(Everything), arguments, initial, null, cuSeqlens));
            Assert.Contains(message, error.Message);
        }
    }

    [Fact]
    public void Relative_error_is_that_of_the_norms()
    {
        using var scope = NewDisposeScope();
        Assert.Equal(0.1, RelativeError.Rms(tensor(new[] { 3.0, 4.5 }), tensor(new[] { 3.0, 4.0 })), Exact);
        Assert.Equal(0, RelativeError.Rms(zeros(2), zeros(2)));
        Assert.Equal(double.PositiveInfinity, RelativeError.Rms(ones(2), zeros(2)));
        Assert.Equal(double.PositiveInfinity, RelativeError.Rms(tensor(new[] { double.NaN }), ones(1)));
        Assert.Throws<ArgumentException>(() => RelativeError.Rms(ones(1), ones(2)));
        Assert.Throws<ArgumentException>(() => RelativeError.Rms(ones(1), tensor(new[] { double.NaN })));
    }

    private static Tensors Some(int batch, int tokens, int heads) => new()
    {
        ["q"] = Random(batch, tokens, heads, 3),
        ["k"] = Random(batch, tokens, heads, 3),
        ["v"] = Random(batch, tokens, heads, 2),
        ["g"] = -Random(batch, tokens, heads).abs(),
        ["u"] = Random(heads, 3),
    };

    private static Tensor Random(params long[] shape) => randn(shape, float64);

    private static void Same(Tensor a, Tensor b, double tolerance = Exact) => Assert.InRange(RelativeError.Rms(a, b), 0, tolerance);
}
