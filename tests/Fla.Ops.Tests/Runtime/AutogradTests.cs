using System.Runtime.InteropServices;
using Fla.Dsl;
using Fla.Dsl.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Ops.Tests.Runtime;

public class AutogradTests
{
    public static TheoryData<Mode> AllModes() => ScheduleTests.AllModes();

    [Theory]
    [MemberData(nameof(AllModes))]
    public void A_gradient_is_given_where_it_is_asked_for_and_nowhere_else(Mode mode)
    {
        using var scope = torch.NewDisposeScope();
        var inputs = Inputs.Random(TestOps.DecayingSums, 1, 37, heads: 2);
        var expected = Evaluation.Naive(inputs);
        for (var wanted = 0; wanted < expected.Gradients.Length; wanted++)
        {
            Tensor?[] all = [.. inputs.Arguments.Concat(inputs.Initial!).Select((tensor, i) => tensor!.clone().requires_grad_(i == wanted))];
            var (o, final) = inputs.Test.Op.Run(mode, all[..5], initialState: all[5..], outputFinalState: true);
            ((o * inputs.Output).sum() + (final![0] * inputs.Final[0]).sum() + (final[1] * inputs.Final[1]).sum()).backward();
            for (var i = 0; i < all.Length; i++)
                if (i == wanted)
                    Close.Assert(expected.Gradients[i]!, all[i]!.grad!, 1e-10, $"gradient {i}");
                else
                    Assert.True(all[i]!.grad is null);
        }
    }

    [Theory]
    [MemberData(nameof(AllModes))]
    public void What_is_not_used_has_no_say_in_the_gradients(Mode mode)
    {
        using var scope = torch.NewDisposeScope();
        var inputs = Inputs.Random(TestOps.DecayingSums, 1, 37, heads: 2);
        Tensor[] zeros = [.. inputs.Final.Select(state => torch.zeros_like(state))];

        var outputOnly = inputs.Leaves(ScalarType.Float64);
        var (o, _) = inputs.Test.Op.Run(mode, outputOnly.Arguments, initialState: outputOnly.Initial, outputFinalState: true);
        (o * inputs.Output).sum().backward();
        AssertGradients(Evaluation.Naive(inputs with { Final = zeros }), outputOnly);

        var stateOnly = inputs.Leaves(ScalarType.Float64);
        var (_, final) = inputs.Test.Op.Run(mode, stateOnly.Arguments, initialState: stateOnly.Initial, outputFinalState: true);
        (final![1] * inputs.Final[1]).sum().backward();
        AssertGradients(Evaluation.Naive(inputs with { Output = torch.zeros_like(inputs.Output), Final = [zeros[0], inputs.Final[1]] }), stateOnly);

        static void AssertGradients(Evaluation expected, Inputs own)
        {
            foreach (var (gradient, tensor) in expected.Gradients.Zip(own.Arguments.Concat(own.Initial!)))
                Close.Assert(gradient!, tensor!.grad!, 1e-10, "gradient");
        }
    }

    [Fact]
    public void Without_grad_mode_there_is_no_graph()
    {
        using var scope = torch.NewDisposeScope();
        var own = Inputs.Random(TestOps.DecayingSums, 1, 20, heads: 2).Leaves(ScalarType.Float32);
        using (torch.no_grad())
            Assert.False(own.Test.Op.Run(Mode.Chunk, own.Arguments).o.requires_grad);
        Assert.True(own.Test.Op.Run(Mode.Chunk, own.Arguments).o.requires_grad);
    }

    [Fact]
    public void A_kept_graph_can_be_walked_twice()
    {
        using var scope = torch.NewDisposeScope();
        var own = Inputs.Random(TestOps.DecayingSums, 1, 20, heads: 2).Leaves(ScalarType.Float64);
        var loss = own.Test.Op.Run(Mode.Chunk, own.Arguments).o.sum();
        torch.autograd.backward([loss], retain_graph: true);
        using var once = own.Arguments[0]!.grad!.clone();
        torch.autograd.backward([loss]);
        Close.Assert(once * 2, own.Arguments[0]!.grad!, 1e-12, "the sum of both");
    }

    [Fact]
    public void The_backward_pass_may_come_after_the_dispose_scope_of_the_forward_pass()
    {
        var own = Inputs.Random(TestOps.DecayingSums, 1, 20, heads: 2).Leaves(ScalarType.Float64);
        Tensor o;
        using (var scope = torch.NewDisposeScope())
            o = scope.MoveToOuter(own.Test.Op.Run(Mode.FusedChunk, own.Arguments, outputFinalState: true).o);
        o.sum().backward();
        Assert.NotNull(own.Arguments[0]!.grad);
    }

    [Fact]
    public void A_leaf_takes_its_gradient_over_without_a_copy()
    {
        using var scope = torch.NewDisposeScope();
        var own = Inputs.Random(TestOps.DecayingSums, 1, 20, heads: 2).Leaves(ScalarType.Float32);
        own.Test.Op.Run(Mode.Chunk, own.Arguments).o.sum().backward();
        var gradients = new[] { own.Arguments[0]!.grad! };

        // What the backward gave to autograd is moved to this scope: it is to be the same memory as the gradient.
        gradients[0].fill_(123);
        Assert.Contains(scope.DisposablesView.Except(gradients), tensor => ((Tensor)tensor).eq(123).all().item<bool>());
    }

    [Fact]
    public void A_backward_that_fails_fails_at_the_caller()
    {
        using var scope = torch.NewDisposeScope();
        var sound = TestOps.GatedScan.Op;
        var program = new TorchProgram(
            sound.ChunkProgram!.Forward,
            sound.ChunkProgram.Backward with { Output = (_, _, _) => throw new InvalidOperationException("on purpose") });
        var test = TestOps.GatedScan with
        {
            Op = new RecurrenceOp
            {
                Name = sound.Name, Declaration = sound.Declaration, Class = sound.Class, HasHeads = sound.HasHeads, Arguments = sound.Arguments,
                States = sound.States, OutputDimensions = sound.OutputDimensions, Modes = sound.Modes, ChunkProgram = program, TokenProgram = program,
            },
        };
        var own = Inputs.Random(test, 1, 5, heads: 1).Leaves(ScalarType.Float32);
        var o = test.Op.Run(Mode.Chunk, own.Arguments).o.sum();
        Assert.ThrowsAny<ExternalException>(() => o.backward());
    }

    [Theory]
    [InlineData(ScalarType.BFloat16, 2e-2)]
    [InlineData(ScalarType.Float16, 3e-3)]
    [InlineData(ScalarType.Float32, 2e-5)]
    public void Any_float_dtype_is_computed_in_fp32(ScalarType dtype, double tolerance)
    {
        using var scope = torch.NewDisposeScope();
        var inputs = Inputs.Random(TestOps.DecayingSums, 2, 70, heads: 2, dtype: dtype);
        var own = inputs.Leaves(dtype);
        var expected = Evaluation.Naive(inputs);
        foreach (var mode in Enum.GetValues<Mode>())
        {
            var actual = Evaluation.By(mode, inputs, dtype);
            Evaluation.AssertClose(expected, actual, tolerance);
            Assert.Equal(dtype, actual.Output.dtype);
            Assert.All(actual.Final, state => Assert.Equal(ScalarType.Float32, state.dtype));
            Assert.All(actual.Gradients, gradient => Assert.Equal(dtype, gradient!.dtype));
        }
    }

    [Fact]
    public void Each_gradient_has_the_dtype_of_its_argument_and_one_fp64_makes_all_exact()
    {
        using var scope = torch.NewDisposeScope();
        var inputs = Inputs.Random(TestOps.DecayingSums, 1, 40, heads: 2, dtype: ScalarType.BFloat16);
        ScalarType[] dtypes = [ScalarType.BFloat16, ScalarType.Float32, ScalarType.Float16, ScalarType.Float64, ScalarType.Float32];
        Tensor[] arguments = [.. inputs.Arguments.Select((tensor, i) => tensor!.to(dtypes[i]).clone().requires_grad_())];
        Tensor[] initial = [.. inputs.Initial!.Select(tensor => tensor!.clone().requires_grad_())];
        var (o, final) = inputs.Test.Op.Run(Mode.Chunk, arguments, initialState: initial, outputFinalState: true);
        (o * inputs.Output).sum().backward();

        Assert.Equal(ScalarType.BFloat16, o.dtype);
        Assert.Equal(ScalarType.Float64, final![0].dtype);
        Close.Assert(Evaluation.Naive(inputs).Final[0], final[0], 1e-12, "final state");
        Assert.Equal(dtypes, arguments.Select(tensor => tensor.grad!.dtype));
        Assert.All(initial, tensor => Assert.Equal(ScalarType.BFloat16, tensor.grad!.dtype));
    }

    [Fact]
    public void Inputs_may_lie_in_memory_in_any_way_and_among_anything()
    {
        using var scope = torch.NewDisposeScope();
        var inputs = Inputs.Random(TestOps.DecayingSums, 2, 37, heads: 2);
        var expected = Evaluation.Naive(inputs);
        Tensor[] scattered = [.. inputs.Arguments.Concat(inputs.Initial!).Select(tensor =>
        {
            // Every second element along every axis of something twice as large that is NaN otherwise, transposed.
            var large = torch.full([.. tensor!.shape.Reverse().Select(size => 2 * size)], double.NaN, ScalarType.Float64);
            var view = large;
            for (var axis = 0; axis < tensor.dim(); axis++)
                view = view.slice(axis, 0, view.shape[axis], 2);
            view = view.permute([.. Enumerable.Range(0, (int)tensor.dim()).Reverse().Select(axis => (long)axis)]);
            view.copy_(tensor);
            return view.detach().requires_grad_();
        })];
        foreach (var mode in Enum.GetValues<Mode>())
        {
            var (o, final) = inputs.Test.Op.Run(mode, scattered[..5], initialState: scattered[5..], outputFinalState: true);
            var cotangent = inputs.Output.transpose(1, 3).contiguous().transpose(1, 3);
            ((o * cotangent).sum() + (final![0] * inputs.Final[0]).sum() + (final[1] * inputs.Final[1]).sum()).backward();
            Evaluation.AssertClose(expected, new(o.detach(), final, [.. scattered.Select(tensor => tensor.grad)]), 1e-10);
            foreach (var tensor in scattered)
                tensor.grad = null;
        }
    }
}
