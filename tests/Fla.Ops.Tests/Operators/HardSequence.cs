using Fla.Dsl;
using Fla.Dsl.Runtime;
using Fla.Dsl.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Ops.Tests.Operators;

/// <summary>
/// Arguments of any op of the catalogue over a sequence on which it is hard to compute, and the state that earlier tokens of the same
/// kind left. They are what the op is meant for: keys, and what a correction looks for, are of length 1, so that no delta rule
/// expands; features whose sums are divided by are positive.
/// </summary>
internal sealed record HardSequence(int Tokens)
{
    private const int Earlier = 20;

    // A decay that is given as a factor and not by its logarithm must be positive, in fp32.
    private const double LogOfLeastFactor = -80;

    // Where a weight is given by its logarithm: e^100 is no number of fp32.
    private const double LargeExponent = 100;

    /// <summary>The size of every dimension.</summary>
    public int Size { get; init; } = 8;

    /// <summary>From numbers between 0 and 1, the log-decays.</summary>
    public Func<Tensor, Tensor> LogDecay { get; init; } = uniform => -uniform;

    /// <summary>The share of a correction; drawn between 0 and 1 where null.</summary>
    public double? Beta { get; init; }

    /// <summary>Whether all tokens have the same key.</summary>
    public bool OneKey { get; init; }

    /// <summary>How far outputs, final states and all gradients in fp32 are from those in fp64, by name.</summary>
    public IReadOnlyDictionary<string, double> Errors(RecurrenceOp op, Mode mode)
    {
        using var scope = torch.NewDisposeScope();
        var drawn = new Drawn(this, op);
        var (actual, expected) = (drawn.Evaluate(mode, ScalarType.Float32), drawn.Evaluate(mode, ScalarType.Float64));

        // Outputs and gradients are sums of terms of about 1. What is less, such as the gradient of a gate at which everything is
        // forgotten, is what such terms leave when they cancel: it is known as well as they are.
        return actual.ToDictionary(pair => pair.Key, pair => RelativeError.Rms(pair.Value, expected[pair.Key], floor: 1));
    }

    private sealed class Drawn
    {
        private readonly HardSequence sequence;
        private readonly RecurrenceOp op;
        private readonly Generator random = new(5);
        private readonly Argument[] declared;
        private readonly Dictionary<string, Tensor> arguments = [];
        private readonly Tensor[] states, stateGradients;
        private readonly Tensor outputGradient;

        public Drawn(HardSequence sequence, RecurrenceOp op)
        {
            (this.sequence, this.op) = (sequence, op);
            declared = [.. op.Arguments.Where(argument => argument.Role != ArgumentRole.Scale)];
            foreach (var argument in declared)
                arguments.Add(argument.Name, InFp32(Draw(argument, [.. Outer(argument), .. Heads, .. Dims(argument.Dimensions)])));

            Tensor[] earlier = [.. declared.Select(argument => Tokens(argument, 0, Earlier))];
            var (_, left) = op.Run(Mode.FusedRecurrent, earlier, outputFinalState: true);
            states = [.. left!.Select(InFp32)];
            stateGradients = [.. states.Select(state => InFp32(Normal(state.shape)))];
            outputGradient = InFp32(Normal([1, sequence.Tokens, .. Heads, .. Dims(op.OutputDimensions)]));
        }

        public Dictionary<string, Tensor> Evaluate(Mode mode, ScalarType type)
        {
            Tensor Leaf(Tensor drawn) => drawn.to(type).clone().requires_grad_();
            var leaves = declared.Select(argument => Leaf(Tokens(argument, Earlier, sequence.Tokens))).ToArray();
            var initial = states.Select(Leaf).ToArray();
            var (output, final) = op.Run(mode, leaves, initialState: initial, outputFinalState: true);
            var loss = (output * outputGradient.to(type)).sum();
            foreach (var (state, gradient) in final!.Zip(stateGradients)) loss += (state * gradient.to(type)).sum();
            loss.backward();

            var results = new Dictionary<string, Tensor> { ["o"] = output };
            foreach (var (argument, leaf) in declared.Zip(leaves)) results.Add($"d{argument.Name}", leaf.grad!);
            for (var i = 0; i < states.Length; i++)
            {
                results.Add($"final {op.States[i].Name}", final![i]);
                results.Add($"d{op.States[i].Name}", initial[i].grad!);
            }

            return results;
        }

        private long[] Heads => op.HasHeads ? [1] : [];

        private long[] Outer(Argument argument) => argument.Role == ArgumentRole.PerHead ? [] : [1, Earlier + sequence.Tokens];

        private long[] Dims(IReadOnlyList<string> names) => [.. names.Select(SizeOf)];

        private long SizeOf(string name) => FeatureMaps.SizeOf(name, of => SizeOf(of)) ?? sequence.Size;

        private Tensor Tokens(Argument argument, long first, long count) =>
            argument.Role == ArgumentRole.PerHead ? arguments[argument.Name] : arguments[argument.Name].narrow(1, first, count);

        private Tensor Draw(Argument argument, long[] shape) => (op.Name, argument.Name) switch
        {
            (nameof(NormalizedLinearAttention), "q" or "k") => Key(shape).abs(),
            (nameof(SelectiveScan), "dt") => Uniform(shape),
            (nameof(SelectiveScan), "A") => sequence.LogDecay(Uniform(shape)),
            (nameof(Retention), "gamma") => sequence.LogDecay(Uniform(shape)).clamp(min: LogOfLeastFactor).exp(),
            (nameof(Rwkv4), "k") or (nameof(AbcAttention), "s") => Normal(shape) * LargeExponent,
            (nameof(Comba), "p") => arguments["k"],
            (_, "k" or "k1" or "k2" or "a") => Key(shape),
            (_, "b") => Beta(shape[..^1]).unsqueeze(-1) * -arguments["a"],
            (_, "beta" or "beta1" or "beta2") => Beta(shape),
            _ => argument.IsLogDecay ? sequence.LogDecay(Uniform(shape)) : Normal(shape),
        };

        private Tensor Key(long[] shape)
        {
            var keys = Normal(shape);
            if (sequence.OneKey) keys = keys.narrow(1, 0, 1).expand(shape);
            return keys / keys.norm(-1, keepdim: true);
        }

        private Tensor Beta(long[] shape) => sequence.Beta is { } beta ? torch.full(shape, beta, ScalarType.Float64) : Uniform(shape);

        private Tensor Normal(long[] shape) => torch.randn(shape, dtype: ScalarType.Float64, generator: random);

        private Tensor Uniform(long[] shape) => torch.rand(shape, dtype: ScalarType.Float64, generator: random);

        private static Tensor InFp32(Tensor drawn) => drawn.to(ScalarType.Float32);
    }
}
