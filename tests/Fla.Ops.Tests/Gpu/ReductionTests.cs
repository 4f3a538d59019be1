using Fla.Dsl.Runtime.Gpu;
using Fla.Ops.Tests.Cuda;
using static Fla.Ops.Tests.Gpu.Blocks;

namespace Fla.Ops.Tests.Gpu;

public class ReductionTests
{
    // Some two hundred numbers below 1 are added, each addition off by at most a unit of 2^-24 of a sum below 16.
    private const double Tolerance = 2e-5;

    public static TheoryData<int, int> Shapes => new() { { 64, 64 }, { 64, 128 }, { 64, 32 }, { 32, 32 }, { 32, 96 }, { 128, 64 } };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Columns_are_summed(int rows, int columns)
    {
        float[] tile = Random(rows * columns, seed: 1), sums = New(rows);
        Type[] shape = [Size(rows), Size(columns)];
        var bytes = Bytes(typeof(Reductions), nameof(Reductions.ColumnBytes), shape);
        Run(typeof(ReductionKernels), nameof(ReductionKernels.Columns), shape, bytes, Address(tile), Address(sums));
        for (var row = 0; row < rows; row++)
            Assert.Equal(Enumerable.Range(0, columns).Sum(column => (double)tile[(row * columns) + column]), sums[row], Tolerance);
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Rows_are_summed_and_a_vector_is_read_and_ends_where_it_ends(int rows, int columns)
    {
        float[] tile = Random(rows * columns, seed: 1), vector = Random(columns, seed: 2), sums = New(columns);
        Type[] shape = [Size(rows), Size(columns)];
        var bytes = Bytes(typeof(Reductions), nameof(Reductions.RowBytes), shape) + (4 * columns);
        Run(typeof(ReductionKernels), nameof(ReductionKernels.RowsPlus), shape, bytes,
            Address(tile), Address(vector), columns - 3, Address(sums));
        for (var column = 0; column < columns; column++)
        {
            var sum = Enumerable.Range(0, rows).Sum(row => (double)tile[(row * columns) + column]);
            var expected = sum + (column < columns - 3 ? vector[column] : 0);
            Assert.Equal(expected, sums[column], Tolerance);
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void All_of_a_tile_is_summed(int rows, int columns)
    {
        float[] tile = Random(rows * columns, seed: 1), sums = New(256);
        Type[] shape = [Size(rows), Size(columns)];
        var bytes = Bytes(typeof(Reductions), nameof(Reductions.TotalBytes));
        Run(typeof(ReductionKernels), nameof(ReductionKernels.Total), shape, bytes, Address(tile), Address(sums));

        // 256 threads' sums are added, each addition off by at most a unit of 2^-24 of a sum below 128.
        Assert.All(sums, sum => Assert.Equal(tile.Sum(number => (double)number), sum, tolerance: 2e-3));
    }

    [PtxasTheory]
    [InlineData(nameof(ReductionKernels.Columns))]
    [InlineData(nameof(ReductionKernels.Total))]
    [InlineData(nameof(ReductionKernels.RowsPlus))]
    public void Sums_stay_in_registers(string kernel)
    {
        var (stack, spills, _) = Ptxas.Assemble(Compile(typeof(ReductionKernels), kernel, Size(64), Size(128)));
        Assert.Equal((0, 0), (stack, spills));
    }
}
