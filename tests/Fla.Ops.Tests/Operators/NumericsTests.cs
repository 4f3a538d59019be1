using Fla.Dsl;
using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Ops.Tests.Operators;

/// <summary>
/// Every op in fp32 where fp32 is put to the test, against the same op in fp64, which other tests hold to the declaration: finite, and
/// no further off than rounding explains.
/// </summary>
public class NumericsTests
{
    // Spans several chunks and ends within one.
    private const int Some = 150, Many = 100_000;

    private static readonly double[] Betas = [1e-6, 1, 1.999, 2];

    public static TheoryData<string> Names => [.. Fla.Ops.Catalogue.All.Select(op => op.Name)];

    /// <summary>What writes a correction of what it reads.</summary>
    public static TheoryData<string> DeltaRules =>
        [.. Fla.Ops.Catalogue.All.Where(op => op.Class.Contains("feedback")).Select(op => op.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void One_token(string name) => AssertClose(name, new HardSequence(1));

    [Theory]
    [MemberData(nameof(Names))]
    public void Decays_of_any_strength(string name) =>
        AssertClose(name, new HardSequence(Some) { LogDecay = uniform => -(uniform * 20 - 10).exp() });

    [Theory]
    [MemberData(nameof(Names))]
    public void Decays_that_forget_everything(string name) => AssertClose(name, new HardSequence(Some) { LogDecay = Everything });

    [Theory]
    [MemberData(nameof(Names))]
    public void Decays_that_forget_nothing(string name) => AssertClose(name, new HardSequence(Some) { LogDecay = Nothing });

    [Theory]
    [MemberData(nameof(Names))]
    public void Decays_that_forget_nothing_and_then_everything(string name) => AssertClose(name, new HardSequence(Some)
    {
        LogDecay = uniform => torch.where(uniform.gt(0.9), Everything(uniform), Nothing(uniform)),
    });

    [Theory]
    [MemberData(nameof(DeltaRules))]
    public void Corrections_of_next_to_nothing_and_beyond_the_value(string name)
    {
        foreach (var beta in Betas) AssertClose(name, new HardSequence(Some) { Beta = beta });
    }

    [Theory]
    [MemberData(nameof(DeltaRules))]
    public void The_same_key_all_the_time(string name)
    {
        foreach (var beta in Betas) AssertClose(name, new HardSequence(Some) { Beta = beta, OneKey = true, LogDecay = Nothing });
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_hundred_thousand_tokens_of_which_none_is_forgotten(string name) =>
        AssertClose(name, new HardSequence(Many) { Beta = 2, LogDecay = Nothing, Size = 4 }, Mode.Chunk);

    private static Tensor Everything(Tensor uniform) => torch.full_like(uniform, -1000);

    private static Tensor Nothing(Tensor uniform) => uniform * -1e-6;

    private static void AssertClose(string name, HardSequence sequence)
    {
        foreach (var mode in Op(name).Modes) AssertClose(name, sequence, mode);
    }

    private static void AssertClose(string name, HardSequence sequence, Mode mode)
    {
        var tolerance = Tolerance(sequence.Tokens);
        foreach (var (result, error) in sequence.Errors(Op(name), mode))
            Assert.True(error <= tolerance, $"{mode}, {sequence}: {result} is off by {error:e1}, allowed {tolerance:e1}");
    }

    /// <summary>
    /// A sum or a solve over a chunk of C tokens makes up to C roundings (Higham, Accuracy and Stability of Numerical Algorithms, 2nd
    /// ed., sections 4.2 and 8.1). Where nothing is forgotten the errors of T tokens add up, as the square root of T, for they are
    /// independent. The worst measured uses six tenths of this: one key all the time.
    /// </summary>
    private static double Tolerance(int tokens)
    {
        const double chunk = 64, epsilon = 1.0 / (1 << 23);
        return chunk * epsilon * Math.Sqrt(tokens);
    }

    private static RecurrenceOp Op(string name) => Fla.Ops.Catalogue.All.Single(op => op.Name == name);
}
