using Fla.Dsl.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Fla.Ops.Tests.Runtime;

/// <summary>
/// What solves a chunk is substitution, in fp32: its result is that of a system whose every entry is off by a few roundings of itself,
/// however badly the system is conditioned.
/// </summary>
public class TriangularSolveTests
{
    // Those of chunks, and others.
    private static readonly long[] Lengths = [1, 5, 16, 64, 128];

    private readonly Generator random = new(11);

    public static TheoryData<long, bool> Chunks
    {
        get
        {
            var chunks = new TheoryData<long, bool>();
            foreach (var length in Lengths)
            {
                chunks.Add(length, false);
                chunks.Add(length, true);
            }

            return chunks;
        }
    }

    [Theory]
    [MemberData(nameof(Chunks))]
    public void A_random_system_is_solved_as_well_as_its_entries_are_known(long length, bool transposed) =>
        AssertSolved(Normal(3, 2, length, length), transposed);

    [Theory]
    [MemberData(nameof(Chunks))]
    public void So_is_that_of_one_key_corrected_beyond_its_value(long length, bool transposed)
    {
        var key = Normal(3, 2, 1, 16).expand(3, 2, length, 16);
        var keys = key / key.norm(-1, keepdim: true);
        foreach (var beta in (double[])[1, 1.999, 2]) AssertSolved(keys.matmul(keys.mT) * -beta, transposed);
    }

    [Theory]
    [MemberData(nameof(Chunks))]
    public void So_is_a_system_for_each_column(long length, bool transposed)
    {
        foreach (var gate in (double[])[0, -0.1, -50])
        foreach (var point in Enum.GetValues<ReadPoint>())
        {
            using var scope = torch.NewDisposeScope();
            var (a, c, r) = (InFp32(Normal(3, 2, length, length)), InFp32(Normal(3, 2, length, 5)), InFp32(Normal(3, 2, length, 5)));
            var g = InFp32(Normal(3, 2, length, 5).abs() * gate);
            var u = DecayedProducts.Solve(a, c, g, r, point, transposed);

            // The system of each column, [3, 2, 5, C, C].
            var decay = Tiles.DecayMatrix(InFp64(g).mT.unsqueeze(-1), point);
            var l = InFp64(c).mT.unsqueeze(-1) * InFp64(a).unsqueeze(-3) * decay;

            // An entry is a product of six numbers here, two of them exponentials of sums.
            AssertSolves(l.tril(-1), ByColumn(u), ByColumn(r), transposed, roundings: (2 * length) + 8);
        }

        static Tensor ByColumn(Tensor tile) => tile.mT.unsqueeze(-1);
    }

    private void AssertSolved(Tensor system, bool transposed)
    {
        using var scope = torch.NewDisposeScope();
        var (l, r) = (InFp32(system.tril(-1)), InFp32(Normal(3, 2, system.shape[^1], 5)));
        AssertSolves(l, Tiles.SolveUnitLower(l, r, transposed), r, transposed, roundings: 2);
    }

    /// <summary><c>|A u - r| &lt;= gamma |A| |u|</c> element by element, with A = I - l or its transpose.</summary>
    private static void AssertSolves(Tensor l, Tensor u, Tensor r, bool transposed, long roundings)
    {
        const double unit = 1.0 / (1 << 24);
        var gamma = roundings * unit / (1 - (roundings * unit));
        (l, u, r) = (InFp64(l), InFp64(u), InFp64(r));
        var lower = torch.eye(l.shape[^1], dtype: ScalarType.Float64) - l;
        var system = transposed ? lower.mT : lower;
        var used = ((system.matmul(u) - r).abs() / (system.abs().matmul(u.abs()) * gamma)).max().item<double>();
        Assert.True(used <= 1, $"{used:g3} of what is allowed");
    }

    private Tensor Normal(params long[] shape) => torch.randn(shape, dtype: ScalarType.Float64, generator: random);

    private static Tensor InFp32(Tensor tensor) => tensor.to(ScalarType.Float32);

    private static Tensor InFp64(Tensor tensor) => tensor.to(ScalarType.Float64);
}
