using Fla.Dsl;
using Fla.Dsl.Autograd;
using Fla.Tests;
using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Ops.Tests.Runtime;

public class LiveTensorTests
{
    public static TheoryData<Mode> AllModes() => ScheduleTests.AllModes();

    [Theory]
    [MemberData(nameof(AllModes))]
    public void A_forward_pass_leaves_its_results_and_nothing_else(Mode mode)
    {
        foreach (var offsets in (long[]?[])[null, [0, 20, 20, 70]])
        {
            using var scope = torch.NewDisposeScope();
            var inputs = Inputs.Random(TestOps.DecayingSums, 1, 70, heads: 2, offsets: offsets);
            var packed = inputs.CuSeqlens;
            var before = LiveTensors.Count;
            var (o, final) = inputs.Test.Op.Run(mode, inputs.Arguments, initialState: inputs.Initial, outputFinalState: true, cuSeqlens: packed);
            Assert.Equal(before + 3, LiveTensors.Count);
            Assert.Equal(3, final!.Append(o).Count(tensor => !tensor.IsInvalid));
        }
    }

    [Theory]
    [MemberData(nameof(AllModes))]
    public void A_forward_and_backward_pass_leave_nothing_once_inputs_and_results_are_disposed(Mode mode)
    {
        // No dispose scope around it.
        Pass(mode);
        ReturnedGradients.Release();
        var before = LiveTensors.Count;
        Pass(mode);
        ReturnedGradients.Release();      // as the next backward on this thread would
        Assert.Equal(before, LiveTensors.Count);
    }

    [Fact]
    public void A_step_of_decoding_leaves_its_results_and_nothing_else()
    {
        using var scope = torch.NewDisposeScope();
        var inputs = Inputs.Random(TestOps.DecayingSums, 2, 1, heads: 2);
        Tensor?[] arguments = [.. inputs.Arguments.Zip(inputs.Test.Declared, (tensor, argument) =>
            argument.Role == ArgumentRole.PerHead ? tensor : tensor!.squeeze(1))];
        var before = LiveTensors.Count;
        inputs.Test.Op.Step(arguments, inputs.Initial);
        Assert.Equal(before + 3, LiveTensors.Count);
    }

    private static void Pass(Mode mode)
    {
        Tensor[] leaves;
        Tensor[] cotangents;
        using (var scope = torch.NewDisposeScope())
        {
            var inputs = Inputs.Random(TestOps.DecayingSums, 1, 70, heads: 2).Leaves(ScalarType.Float32);
            leaves = [.. inputs.Arguments.Concat(inputs.Initial!).Select(tensor => scope.Detach(tensor!))];
            cotangents = [.. inputs.Final.Prepend(inputs.Output).Select(tensor => scope.Detach(tensor.to(ScalarType.Float32)))];
        }

        var (o, final) = TestOps.DecayingSums.Op.Run(mode, leaves[..5], initialState: leaves[5..], outputFinalState: true);
        torch.autograd.backward([o, .. final!], cotangents);
        foreach (var tensor in (Tensor[])[.. leaves.Select(leaf => leaf.grad!), .. leaves, .. cotangents, o, .. final!])
            tensor.Dispose();
    }
}
