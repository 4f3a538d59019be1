using CsCheck;
using Fla.Dsl;
using TorchSharp;

namespace Fla.Ops.Tests.Runtime;

public class AnyShapeTests
{
    private static readonly Gen<Mode> AnyMode = Gen.Enum<Mode>();

    [Fact]
    public void Packed_sequences_of_any_lengths() =>
        Gen.Select(Gen.Frequency((1, Gen.Const(0L)), (4, Gen.Long[1, 100])).Array[1, 6], AnyMode)
            .Where(pair => pair.Item1.Sum() > 0)
            .Sample(
                (lengths, mode) =>
                {
                    using var scope = torch.NewDisposeScope();
                    long[] offsets = [0, .. lengths.Select((_, n) => lengths[..(n + 1)].Sum())];
                    var inputs = Inputs.Random(TestOps.DecayingSums, 1, offsets[^1], heads: 1, offsets: offsets);
                    Evaluation.AssertClose(Evaluation.Naive(inputs), Evaluation.By(mode, inputs), 1e-9);
                },
                iter: 60, threads: 1);

    [Fact]
    public void Batches_and_heads_of_any_size() =>
        Gen.Select(Gen.Long[1, 3], Gen.Long[1, 100], Gen.Long[1, 3], Gen.Long[1, 3], AnyMode)
            .Sample(
                (batch, tokens, groups, repeats, mode) =>
                {
                    using var scope = torch.NewDisposeScope();
                    var own = new Dictionary<string, long> { ["k"] = groups, ["v"] = groups, ["gamma"] = 1 };
                    var inputs = Inputs.Random(TestOps.DecayingSums, batch, tokens, groups * repeats, ownHeads: own);
                    Evaluation.AssertClose(Evaluation.Naive(inputs), Evaluation.By(mode, inputs), 1e-9);
                },
                iter: 40, threads: 1);
}
