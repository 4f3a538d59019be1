using Fla.Dsl;
using Fla.Dsl.Runtime.Emulator;
using Fla.Ops.Tests.Runtime;
using static TorchSharp.torch;

namespace Fla.Ops.Tests.Launch;

/// <summary>An operator with kernels, which the emulator runs: outputs, final states and all gradients.</summary>
public class KernelEvaluationTests
{
    [Theory]
    [InlineData(Mode.Chunk)]
    [InlineData(Mode.FusedChunk)]
    public void Batches_of_any_length(Mode mode)
    {
        foreach (var tokens in (long[])[1, 32, 75]) Check(Inputs.Random(KernelOps.DecayingSums, 2, tokens, heads: 2), mode);
    }

    [Fact]
    public void Packed_sequences_also_empty_ones() =>
        Check(Inputs.Random(KernelOps.DecayingSums, 1, 70, heads: 2, offsets: [0, 0, 33, 34, 34, 70, 70]));

    [Fact]
    public void Arguments_of_fewer_heads()
    {
        var own = new Dictionary<string, long> { ["k"] = 2, ["v"] = 1, ["g"] = 2, ["gamma"] = 2 };
        Check(Inputs.Random(KernelOps.DecayingSums, 2, 40, heads: 4, ownHeads: own));
    }

    [Fact]
    public void Columns_over_several_blocks() => Check(Inputs.Random(KernelOps.DecayingSums, 2, 40, heads: 2, values: 75));

    [Fact]
    public void Columns_over_several_blocks_and_arguments_of_fewer_heads()
    {
        var own = new Dictionary<string, long> { ["q"] = 1, ["v"] = 2, ["gamma"] = 1 };
        Check(Inputs.Random(KernelOps.DecayingSums, 1, 40, heads: 4, ownHeads: own, values: 40));
    }

    [Fact]
    public void Without_initial_states() => Check(Inputs.Random(KernelOps.DecayingSums, 2, 40, heads: 2, initial: false));

    [Fact]
    public void An_argument_left_to_its_default() =>
        Check(Inputs.Random(KernelOps.DecayingSums, 2, 40, heads: 2, without: "gamma", scale: 0.7));

    [Theory]
    [InlineData(ScalarType.BFloat16, 3e-2)]
    [InlineData(ScalarType.Float16, 4e-3)]
    public void Half_precision(ScalarType type, double tolerance)
    {
        using var scope = NewDisposeScope();
        Check(Inputs.Random(KernelOps.DecayingSums, 2, 40, heads: 2, dtype: type), tolerance: tolerance, type: type);
        Check(Inputs.Random(KernelOps.DecayingSums, 1, 40, heads: 1, dtype: type, values: 40), tolerance: tolerance, type: type);
    }

    [Fact]
    public void Gates_of_fp32_beside_vectors_of_bf16_keep_their_precision()
    {
        using var scope = NewDisposeScope();
        using var emulator = BackendOf.Emulator;
        var inputs = Inputs.Random(KernelOps.DecayingSums, 1, 200, heads: 1).Leaves(ScalarType.Float32);
        Tensor?[] mixed = [.. inputs.Arguments.Select((argument, i) => i < 3 ? argument!.bfloat16() : argument)];
        Tensor?[] rounded = [.. mixed.Select(argument => argument!.to(ScalarType.Float32))];
        var (o, _) = inputs.Test.Op.Run(Mode.Chunk, mixed);
        var (expected, _) = inputs.Test.Op.Run(Mode.Chunk, rounded);
        Assert.Equal(ScalarType.BFloat16, o.dtype);
        Close.Assert(expected.bfloat16(), o, 1e-2, "output");
    }

    [Fact]
    public void Tensors_that_are_not_contiguous()
    {
        using var scope = NewDisposeScope();
        using var emulator = BackendOf.Emulator;
        var inputs = Inputs.Random(KernelOps.DecayingSums, 2, 40, heads: 3).Leaves(ScalarType.Float32);
        Tensor Scattered(Tensor tensor) => stack([tensor, tensor], -1).select(-1, 1);
        var op = inputs.Test.Op;
        var (expected, expectedFinal) = op.Run(Mode.Chunk, inputs.Arguments, initialState: inputs.Initial, outputFinalState: true);
        Tensor[] arguments = [.. inputs.Arguments.Select(argument => Scattered(argument!))];
        Tensor[] initial = [.. inputs.Initial!.Select(state => Scattered(state!))];
        var (o, final) = op.Run(Mode.Chunk, arguments, initialState: initial, outputFinalState: true);
        Close.Assert(expected, o, 0, "output");
        Close.Assert(expectedFinal![0], final![0], 0, "state");
        (o * Scattered(ones_like(o))).sum().backward();
        var scattered = inputs.Arguments[0]!.grad!.clone();
        inputs.Arguments[0]!.grad!.zero_();
        expected.sum().backward();
        Close.Assert(inputs.Arguments[0]!.grad!, scattered, 1e-6, "gradient");
    }

    [Fact]
    public void Only_the_gradients_that_are_wanted()
    {
        using var scope = NewDisposeScope();
        using var emulator = BackendOf.Emulator;
        var all = Evaluation.By(Mode.Chunk, Inputs.Random(KernelOps.DecayingSums, 2, 40, heads: 2), ScalarType.Float32);
        var inputs = Inputs.Random(KernelOps.DecayingSums, 2, 40, heads: 2).Leaves(ScalarType.Float32);
        Tensor[] arguments = [.. inputs.Arguments.Select((argument, i) => i == 1 ? argument! : argument!.detach())];
        Tensor[] initial = [.. inputs.Initial!.Select(state => state!.detach())];
        var (o, final) = inputs.Test.Op.Run(Mode.Chunk, arguments, initialState: initial, outputFinalState: true);
        Tensor Term(Tensor result, Tensor gradient) => (result * gradient.to(result.dtype)).sum();
        final!.Zip(inputs.Final, Term).Aggregate(Term(o, inputs.Output), (a, b) => a + b).backward();
        Close.Assert(all.Gradients[1]!, arguments[1].grad!, 1e-6, "gradient");
        Assert.Null(arguments[0].grad);
    }

    [Fact]
    public void A_loss_of_the_final_states_alone()
    {
        using var scope = NewDisposeScope();
        using var emulator = BackendOf.Emulator;
        var inputs = Inputs.Random(KernelOps.DecayingSums, 2, 40, heads: 2).Leaves(ScalarType.Float32);
        var (_, final) = inputs.Test.Op.Run(Mode.Chunk, inputs.Arguments, outputFinalState: true);
        final![0].sum().backward();
        Close.AssertZero(inputs.Arguments[0]!.grad!);
        Assert.True(inputs.Arguments[1]!.grad!.abs().min().item<float>() > 0);
    }

    [Fact]
    public void Long_sequences_in_segments()
    {
        var before = EmulatedDevice.Instance.Stated;
        EmulatedDevice.Instance.Stated = before with { Multiprocessors = 10 };
        try
        {
            Check(Inputs.Random(KernelOps.DecayingSums, 1, 1100, heads: 2));
            Check(Inputs.Random(KernelOps.DecayingSums, 1, 1100, heads: 1, offsets: [0, 3, 3, 1100], values: 40));
            Check(Inputs.Random(KernelOps.DecayingSums, 1, 1030, heads: 1, initial: false));
        }
        finally
        {
            EmulatedDevice.Instance.Stated = before;
        }
    }

    private static void Check(Inputs inputs, Mode mode = Mode.Chunk, double tolerance = 1e-5, ScalarType type = ScalarType.Float32)
    {
        using var scope = NewDisposeScope();
        using var emulator = BackendOf.Emulator;
        Evaluation.AssertClose(Evaluation.Naive(inputs), Evaluation.By(mode, inputs, type), tolerance);
    }
}
