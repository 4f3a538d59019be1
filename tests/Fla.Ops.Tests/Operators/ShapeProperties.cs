using CsCheck;
using Fla.Dsl;
using Fla.Dsl.Testing;
using static TorchSharp.torch;

namespace Fla.Ops.Tests.Operators;

/// <summary>Every operator, of the catalogue and of users, in every mode, on shapes and gates that nobody thought of.</summary>
public class ShapeProperties
{
    private static readonly RecurrenceOp[] Ops = [.. Fla.Ops.Catalogue.All.UnionBy(Catalogue.All, op => op.Name)];

    /// <summary>
    /// How often the unavoidable error an error may be: a sum of n terms is off by up to n^1.5 times as much when each partial sum is
    /// rounded as when each term is moved once at random, 512 times for a chunk of 64; and what was drawn may have moved little.
    /// </summary>
    private const double RoundingsOfAChunk = 1000;

    public static TheoryData<string> Names => [.. Ops.Select(Key)];

    public static TheoryData<string> NamesOfGated => [.. Ops.Where(op => op.Arguments.Any(argument => argument.IsLogDecay)).Select(Key)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_mode_equals_the_declaration_on_any_shape(string key)
    {
        var op = Ops.Single(op => Key(op) == key);
        Gen.Select(Gen.Int[1, 3], Lengths(1, 2, 3, 15, 16, 17, 33, 63, 64, 65, 100), Gen.Int[1, 3], Gen.Int[1, 9].Array[5], Gen.Int[0, 3].Select(i => new[] { 0.0, -0.1, -5, -60 }[i]), Gen.Bool)
            .Sample((batch, tokens, heads, sizes, decay, initial) => Conforms(op, new ConformanceCase
            {
                Batch = batch,
                Tokens = tokens,
                Heads = heads,
                Sizes = Sizes(sizes),
                StrongestLogDecay = decay,
                InitialState = initial,
                Seed = tokens,
            }), iter: 3, threads: 1);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Packed_sequences_equal_the_declaration_on_each(string key)
    {
        var op = Ops.Single(op => Key(op) == key);
        Gen.Select(Lengths(0, 1, 2, 16, 31, 64, 65, 90).Array[1, 4], Gen.Int[1, 9].Array[5], Gen.Bool).Where((lengths, _, _) => lengths.Sum() > 0)
            .Sample((lengths, sizes, initial) => Conforms(op, new ConformanceCase
            {
                SequenceLengths = lengths,
                Sizes = Sizes(sizes),
                InitialState = initial,
                Seed = lengths.Length,
            }), iter: 2, threads: 1);
    }

    [Theory]
    [MemberData(nameof(NamesOfGated))]
    public void Fp32_stays_close_to_fp64_under_strong_decays(string key)
    {
        var op = Ops.Single(op => Key(op) == key);
        foreach (var decay in (double[])[-0.01, -10, -1000])
        foreach (var result in Conformance.Check(op, new ConformanceCase { Tokens = 70, StrongestLogDecay = decay, Type = ScalarType.Float32 }))
            Assert.True(result.Worst.Value < 1e-4, $"decay {decay}, {result.Execution}: {string.Join(", ", result.Errors)}");
    }

    // A recurrence that divides by a read may divide by almost nothing, and then few of its digits can be right in any order of terms.
    private static void Conforms(RecurrenceOp op, ConformanceCase test)
    {
        var unavoidable = new Lazy<IReadOnlyDictionary<string, double>>(() => Conformance.Unavoidable(op, test));
        foreach (var result in Conformance.Check(op, test))
        {
            var off = result.Errors.Where(error => !(error.Value < 1e-8) && !(error.Value < RoundingsOfAChunk * unavoidable.Value[error.Key]))
                .Select(error => $"{error.Key} {error.Value:e1}, unavoidable {unavoidable.Value[error.Key]:e1}")
                .ToArray();
            if (off.Length > 0)
                throw new InvalidOperationException($"{op.Name}, {test}, {result.Execution}: {string.Join("; ", off)}");
        }
    }

    private static Gen<int> Lengths(params int[] lengths) => Gen.Int[0, lengths.Length - 1].Select(i => lengths[i]);

    private static string Key(RecurrenceOp op) => op.Declaration.FullName!;

    private static Dictionary<string, int> Sizes(int[] sizes) => new[] { "K", "V", "M", "N", "D" }.Zip(sizes).ToDictionary(pair => pair.First, pair => pair.Second);
}
