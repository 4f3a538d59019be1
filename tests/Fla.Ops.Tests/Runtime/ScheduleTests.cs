using Fla.Dsl;
using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Ops.Tests.Runtime;

public class ScheduleTests
{
    private static readonly Mode[] Modes = Enum.GetValues<Mode>();

    public static TheoryData<Mode, long, long> Dense()
    {
        var cases = new TheoryData<Mode, long, long>();
        foreach (var mode in Modes)
            foreach (var tokens in (long[])[1, 2, 15, 16, 17, 64, 128, 150])
                cases.Add(mode, tokens, tokens % 2 == 0 ? 2 : 1);
        return cases;
    }

    [Theory]
    [MemberData(nameof(Dense))]
    public void Every_mode_equals_the_walk_over_tokens(Mode mode, long tokens, long batch)
    {
        using var scope = torch.NewDisposeScope();
        var inputs = Inputs.Random(TestOps.DecayingSums, batch, tokens, heads: 2);
        Evaluation.AssertClose(Evaluation.Naive(inputs), Evaluation.By(mode, inputs), 1e-10);
    }

    public static TheoryData<Mode, string> Packed()
    {
        var cases = new TheoryData<Mode, string>();
        foreach (var mode in Modes)
            foreach (var offsets in (string[])["0 7", "0 1 2", "0 64 128", "0 5 5 70 71 71 200", "0 0 33", "0 16 48 49 177", "0 40 40"])
                cases.Add(mode, offsets);
        return cases;
    }

    [Theory]
    [MemberData(nameof(Packed))]
    public void Packed_sequences_do_not_see_each_other(Mode mode, string offsets)
    {
        using var scope = torch.NewDisposeScope();
        long[] packed = [.. offsets.Split(' ').Select(long.Parse)];
        var inputs = Inputs.Random(TestOps.DecayingSums, 1, packed[^1], heads: 2, offsets: packed);
        Evaluation.AssertClose(Evaluation.Naive(inputs), Evaluation.By(mode, inputs), 1e-10);
    }

    [Theory]
    [MemberData(nameof(AllModes))]
    public void Arguments_of_fewer_heads_are_shared(Mode mode)
    {
        using var scope = torch.NewDisposeScope();
        var ownHeads = new Dictionary<string, long> { ["k"] = 2, ["v"] = 1, ["g"] = 2, ["gamma"] = 2 };
        foreach (var offsets in (long[]?[])[null, [0, 20, 21, 70]])
        {
            var inputs = Inputs.Random(TestOps.DecayingSums, offsets is null ? 2 : 1, 70, heads: 4, offsets: offsets, ownHeads: ownHeads);
            Evaluation.AssertClose(Evaluation.Naive(inputs), Evaluation.By(mode, inputs), 1e-10);
        }
    }

    [Theory]
    [MemberData(nameof(AllModes))]
    public void Without_heads_and_with_a_vector_per_head(Mode mode)
    {
        using var scope = torch.NewDisposeScope();
        foreach (var offsets in (long[]?[])[null, [0, 20, 20, 37]])
        {
            var inputs = Inputs.Random(TestOps.GatedScan, offsets is null ? 2 : 1, 37, heads: 1, offsets: offsets);
            Evaluation.AssertClose(Evaluation.Naive(inputs), Evaluation.By(mode, inputs), 1e-10);
        }
    }

    [Theory]
    [MemberData(nameof(AllModes))]
    public void A_matrix_per_head_and_a_scalar_output(Mode mode)
    {
        using var scope = torch.NewDisposeScope();
        var ownHeads = new Dictionary<string, long> { ["A"] = 1 };
        foreach (var own in (Dictionary<string, long>?[])[null, ownHeads])
        {
            var inputs = Inputs.Random(TestOps.MatrixGain, 2, 21, heads: 3, ownHeads: own);
            Evaluation.AssertClose(Evaluation.Naive(inputs), Evaluation.By(mode, inputs), 1e-10);
        }
    }

    [Theory]
    [MemberData(nameof(AllModes))]
    public void Defaults_of_the_declaration(Mode mode)
    {
        using var scope = torch.NewDisposeScope();
        var inputs = Inputs.Random(TestOps.DecayingSums, 2, 40, heads: 3, initial: false, without: "gamma", scale: 0.7);
        Evaluation.AssertClose(Evaluation.Naive(inputs), Evaluation.By(mode, inputs), 1e-10);
    }

    [Theory]
    [MemberData(nameof(AllModes))]
    public void A_split_anywhere_with_the_state_carried_over_changes_nothing(Mode mode)
    {
        using var scope = torch.NewDisposeScope();
        var inputs = Inputs.Random(TestOps.DecayingSums, 2, 90, heads: 2);
        var expected = Evaluation.Naive(inputs);
        foreach (var at in (int[])[1, 16, 37, 64, 89])
        {
            var own = inputs.Leaves(ScalarType.Float64);
            Tensor?[] Part(Range range) => [.. own.Arguments.Zip(own.Test.Declared, (tensor, argument) =>
                argument.Role == ArgumentRole.PerHead ? tensor : tensor![.., range])];
            var (first, state) = own.Test.Op.Run(mode, Part(..at), initialState: own.Initial, outputFinalState: true);
            var (second, final) = own.Test.Op.Run(mode, Part(at..), initialState: state, outputFinalState: true);
            var o = torch.cat([first, second], 1);
            ((o * own.Output).sum() + (final![0] * own.Final[0]).sum() + (final[1] * own.Final[1]).sum()).backward();
            Evaluation.AssertClose(
                expected, new(o.detach(), [.. final], [.. own.Arguments.Concat(own.Initial!).Select(tensor => tensor!.grad)]), 1e-10);
        }
    }

    [Fact]
    public void Steps_of_decoding_equal_one_call()
    {
        using var scope = torch.NewDisposeScope();
        foreach (var test in (TestOp[])[TestOps.DecayingSums, TestOps.GatedScan, TestOps.MatrixGain])
        {
            var inputs = Inputs.Random(test, 2, 9, heads: 2);
            var own = inputs.Leaves(ScalarType.Float64);
            var states = own.Initial!;
            var outputs = new List<Tensor>();
            for (var t = 0; t < 9; t++)
            {
                Tensor?[] token = [.. own.Arguments.Zip(test.Declared, (tensor, argument) =>
                    argument.Role == ArgumentRole.PerHead ? tensor : tensor!.select(1, t))];
                (var o, states) = test.Op.Step(token, states);
                outputs.Add(o);
            }

            var output = torch.stack(outputs, 1);
            var loss = states.Zip(own.Final, (state, cotangent) => (state! * cotangent).sum())
                .Aggregate((output * own.Output).sum(), (a, b) => a + b);
            loss.backward();
            Evaluation.AssertClose(
                Evaluation.Naive(inputs),
                new(output.detach(), [.. states!], [.. own.Arguments.Concat(own.Initial!).Select(tensor => tensor!.grad)]),
                1e-10);
        }
    }

    public static TheoryData<Mode> AllModes() => [.. Modes];
}
