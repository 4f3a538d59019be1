using Fla.Dsl;
using Fla.Dsl.Runtime;
using static TorchSharp.torch;

namespace Fla.Layers.Tests.Evaluation;

/// <summary>Ops put together by hand, so that what is said of figures does not hang on the compiler.</summary>
internal static class HandmadeOps
{
    /// <summary>An op that can be bound but not run.</summary>
    public static RecurrenceOp Signature(string name, Argument[] arguments, StateVariable[] states, string[] output, bool heads = true) => new()
    {
        Name = name,
        Declaration = typeof(HandmadeOps),
        Class = "by hand",
        HasHeads = heads,
        Arguments = arguments,
        States = states,
        OutputDimensions = output,
        Modes = [],
        ChunkProgram = null!,
        TokenProgram = null!,
    };

    /// <summary>HGRN, <c>h = exp(g) h + x</c>, with a gradient of x that can be made wrong by a factor.</summary>
    public static RecurrenceOp Hgrn(double gradientFactor = 1)
    {
        // Both granularities: the pairs of a chunk are few enough to be taken one by one.
        var program = new TorchProgram(Forward(), Backward(gradientFactor));
        return new RecurrenceOp
        {
            Name = "Hgrn",
            Declaration = typeof(HandmadeOps),
            Class = "by hand",
            HasHeads = false,
            Arguments = [new("x", ["D"], ArgumentRole.Token), new("g", ["D"], ArgumentRole.Token, IsLogDecay: true)],
            States = [new("h", ["D"])],
            OutputDimensions = ["D"],
            Modes = [Mode.Chunk, Mode.FusedChunk, Mode.FusedRecurrent],
            ChunkProgram = program,
            TokenProgram = program,
        };
    }

    private static Sweep Forward() => new(
        Local: inputs =>
        {
            var (x, g) = (inputs[0], inputs[1].cumsum(2));
            return [Sum(Decay(g), x), g.exp()];
        },
        Advance: (carried, local) => [Last(local[0]) + Last(local[1]) * carried[0]],
        Output: (inputs, carried, local) => [local[0] + local[1] * carried[0]]);

    // Inputs: x, g, mask, the state carried in, the gradient of the output.
    private static Sweep Backward(double factor) => new(
        Local: inputs =>
        {
            var g = inputs[1].cumsum(2);
            var (fromOutput, fromState) = (Sum(Decay(g).transpose(2, 3), inputs[4]), (Last(g) - g).exp());
            var first = inputs[1].narrow(2, 0, 1).exp();
            return [fromOutput, fromState, first * fromOutput.narrow(2, 0, 1), first * fromState.narrow(2, 0, 1)];
        },
        Advance: (carried, local) => [local[2] + local[3] * carried[0]],
        Output: (inputs, carried, local) =>
        {
            var (x, g) = (inputs[0], inputs[1].cumsum(2));
            var h = Sum(Decay(g), x) + g.exp() * inputs[3];
            var dh = local[0] + local[1] * carried[0];
            return [dh * factor, dh * (h - x)];
        });

    // exp(G_i - G_j) for j <= i, [rows, 1, i, j, D].
    private static Tensor Decay(Tensor g)
    {
        var c = g.shape[2];
        var causal = ones(c, c, dtype: ScalarType.Bool).tril().view(1, 1, c, c, 1);
        return (g.unsqueeze(3) - g.unsqueeze(2)).masked_fill(causal.logical_not(), double.NegativeInfinity).exp();
    }

    private static Tensor Sum(Tensor decay, Tensor x) => (decay * x.unsqueeze(2)).sum(3);

    private static Tensor Last(Tensor x) => x.narrow(2, x.shape[2] - 1, 1);
}
