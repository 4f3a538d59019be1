using Fla.Dsl;
using Fla.Dsl.Runtime;
using Fla.Dsl.Runtime.Gpu;
using Fla.Dsl.Runtime.Launch;
using Fla.Layers.Evaluation;
using static TorchSharp.torch;

namespace Fla.Ops.Tests.Launch;

/// <summary>What is chosen for a shape: chunk, tiles, splits. Shared memory stands for what a kernel asks for.</summary>
public class LaunchPlanTests
{
    [Theory]
    [InlineData(1, 32)]
    [InlineData(32, 32)]
    [InlineData(33, 64)]
    [InlineData(2048, 64)]
    public void Short_sequences_get_short_chunks(long tokens, int chunk) => Assert.Equal(chunk, Plan(Work(tokens: tokens)).Chunk);

    [Theory]
    [InlineData(1, 32)]
    [InlineData(33, 64)]
    [InlineData(65, 96)]
    [InlineData(128, 128)]
    public void A_tile_is_the_least_that_holds_the_dimension(long keys, int tile) => Assert.Equal([tile, 64], Plan(Work(keys)).Tiles);

    [Fact]
    public void Dimensions_beyond_the_largest_tile_have_no_plan() => Assert.Empty(LaunchPlan.Of(Op, Work(keys: 257), Machine.H100));

    [Theory]
    [InlineData(int.MaxValue - 64, true)]
    [InlineData(int.MaxValue - 63, false)]
    [InlineData(int.MaxValue, false)]
    public void Sequences_whose_tokens_are_not_counted_in_32_bits_have_no_plan(long tokens, bool areCounted) =>
        Assert.Equal(areCounted, LaunchPlan.Of(Op, Work(tokens: tokens), Machine.H100).Any());

    [Theory]
    [InlineData(128, 128, 1)]
    [InlineData(192, 96, 2)]    // two of 128 would have idle columns
    [InlineData(300, 128, 3)]
    [InlineData(2048, 128, 16)]
    public void Columns_are_split_until_the_states_fit_into_registers(long values, int tile, int splits)
    {
        var plan = Plan(Work(128, values, sequences: 1000));
        Assert.Equal([128, tile], plan.Tiles);
        Assert.Equal(splits, plan.Splits);
        Assert.Equal(1000 * 32 * splits, plan.Blocks);
    }

    [Theory]
    [InlineData(8, 1)]
    [InlineData(2, 2)]  // 128 of 132: full enough
    [InlineData(1, 4)]
    public void Columns_are_split_until_the_blocks_fill_the_device(int sequences, int splits) =>
        Assert.Equal(splits, Plan(Work(128, 128, sequences: sequences)).Splits);

    [Fact]
    public void The_shorter_chunk_is_taken_where_shared_memory_holds_no_other()
    {
        var small = Machine.H100 with { SharedBytesPerBlock = Plan(Work(128, 128)).SharedBytes - 1 };
        var plan = LaunchPlan.Of(Op, Work(128, 128), small)[0];
        Assert.Equal(32, plan.Chunk);
        Assert.True(plan.SharedBytes <= small.SharedBytesPerBlock);
    }

    [Fact]
    public void What_is_computed_is_every_matrix_product()
    {
        // Of retention's output q S and (q k^T) v, and of its state k^T v.
        var work = new OpShape(80, 100, 3, 128, 64).WorkOf(Fla.Ops.Retention.Op, ScalarType.BFloat16);
        var plan = LaunchPlan.Of(Fla.Ops.Retention.Op, work, Machine.H100)[0];
        const double c = 64, k = 128, v = 64, chunks = 80 * 3 * 2;
        Assert.Equal(64, plan.Chunk);
        Assert.Equal(chunks * 2 * ((c * k * v) + (c * c * k) + (c * c * v) + (k * c * v)), plan.Flops());
    }

    [Fact]
    public void What_is_moved_is_every_tensor_once()
    {
        var work = Work(128, 64, tokens: 128, sequences: 1) with { Heads = 1 };
        const long Vectors = 128 * (128 + 128 + 64) * 2, Gates = 128 * 4, States = 128 * 64 * 4, Kept = 2 * 128 * 64 * 2;
        var plans = LaunchPlan.Of(Op, work, Machine.H100 with { Multiprocessors = 2 });
        Assert.Equal(2, plans[1].Splits);
        Assert.Equal(Vectors + Gates + States + Kept, plans[0].Bytes(Op));
        Assert.Equal(2 * 128 * 128 * 2, plans[1].Bytes(Op));
    }

    [Fact]
    public void Products_are_counted_by_their_dimensions()
    {
        var work = Work(128, 64, tokens: 128, sequences: 1);
        var plan = LaunchPlan.Of(Op, work, Machine.H100)[0];
        Assert.Equal(2, plan.Splits);
        Assert.Equal(2 * ((64 * 64 * 128 * 2) + (64 * 64 * 128)) * 2 * 32, plan.Flops());
    }

    [Theory]
    [InlineData(2, 16, 16384, 4, 4096)]
    [InlineData(1, 8, 8192, 16, 512)]
    [InlineData(1, 1, 700, 1, 700)]         // short
    [InlineData(8, 32, 2048, 1, 2048)]      // many
    [InlineData(1, 40, 5000, 3, 1728)]      // multiples of a chunk
    public void Few_long_sequences_are_cut_where_a_kernel_comes_first(int sequences, int heads, long tokens, int segments, long longest)
    {
        var work = Work(tokens: tokens, sequences: sequences) with { Heads = heads };
        var plans = LaunchPlan.Of(Cut, work, Machine.H100);
        Assert.Equal(sequences * segments, plans[0].Work.Sequences);
        Assert.Equal(longest, plans[0].Work.Longest);
        Assert.Equal(sequences, plans.Single(plan => plan.Kernel == Cut.Gpu!.Backward).Work.Sequences);
        Assert.Equal(segments > 1, plans.Any(plan => plan.Kernel == Cut.Gpu!.Segment));
        Assert.Equal(work.Sequences, LaunchPlan.Of(Op, work, Machine.H100)[0].Work.Sequences);
    }

    [Fact]
    public void Segments_are_of_one_sequence_each()
    {
        var work = Work() with { Offsets = [0, 0, 2000, 2100, 4100], Heads = 8 };
        var cut = Segments.Of(work, Machine.H100.Multiprocessors);
        Assert.Equal([0, 0, 704, 1408, 2000, 2100, 2804, 3508, 4100], cut.Offsets);
        Assert.Equal([0, 1, 4, 5, 8], Segments.First(work, cut));
    }

    [Fact]
    public void The_roofline_is_the_slower_of_memory_and_products()
    {
        var machine = new Machine("machine", 1, 1, BytesPerSecond: 10, FlopsPerSecond: 100);
        Assert.Equal(2, machine.Roofline(20, 100));
        Assert.Equal(3, machine.Roofline(20, 300));
    }

    [Theory]
    [InlineData(128, typeof(Size8))]
    [InlineData(256, typeof(Size1))]
    public void As_many_tiles_as_there_is_room_for_arrive_ahead(int keys, Type ahead)
    {
        var op = KernelOps.With(new GpuProgram(new GpuKernel(typeof(AheadKernels), nameof(AheadKernels.Forward), ["K"], null, []), null)).Op;
        Assert.Equal(ahead, LaunchPlan.Of(op, Work(keys), Machine.H100)[0].Method.GetGenericArguments()[2]);
    }

    [Fact]
    public void An_equal_workload_gets_the_same_plan()
    {
        Assert.Same(Plan(Work()), Plan(Work()));
        Assert.NotSame(Plan(Work()), Plan(Work(keys: 32)));
        Assert.NotSame(Plan(Work()), Plan(Work(tokens: 1024)));
    }

    [Fact]
    public void Plans_follow_what_products_round_fp32_to()
    {
        var work = Work() with { Element = ScalarType.Float32, Gate = ScalarType.Float32 };
        Assert.Contains(typeof(SingleElement), Plan(work).Method.GetGenericArguments());
        backends.cuda.matmul.allow_tf32 = true;
        try
        {
            Assert.Contains(typeof(TensorFloatElement), Plan(work).Method.GetGenericArguments());
        }
        finally
        {
            backends.cuda.matmul.allow_tf32 = false;
        }
    }

    private static LaunchPlan Plan(Workload work) => LaunchPlan.Of(Op, work, Machine.H100)[0];

    private static Workload Work(long keys = 64, long values = 64, long tokens = 2048, int sequences = 8) => new(
        new Dictionary<string, long> { ["K"] = keys, ["V"] = values },
        [.. Enumerable.Range(0, sequences + 1).Select(n => n * tokens)],
        32,
        ScalarType.BFloat16,
        ScalarType.BFloat16);

    private static RecurrenceOp Op { get; } = KernelOps.With(new GpuProgram(
        new GpuKernel(typeof(PlannedKernels), nameof(PlannedKernels.Forward), ["K", "V"], "V",
        [
            new(GpuRole.Argument, "q"), new(GpuRole.Argument, "k"), new(GpuRole.Argument, "g"), new(GpuRole.Argument, "scale"),
            new(GpuRole.Output, "o"), new(GpuRole.FinalState, "S"), new(GpuRole.KeptState, "S"),
        ])
        {
            Products = [("C", "C", "K"), ("C", "V", "K")],
        },
        new GpuKernel(typeof(PlannedKernels), nameof(PlannedKernels.Forward), ["K", "V"], "V", [new(GpuRole.ArgumentGradient, "q")]))).Op;

    private static RecurrenceOp Cut { get; } = KernelOps.With(Op.Gpu! with
    {
        Segment = new GpuKernel(typeof(PlannedKernels), nameof(PlannedKernels.Forward), ["K", "V"], "V", []),
    }).Op;
}

/// <summary>A kernel that is planned for and never run: what it asks for is two stages of q, k and v.</summary>
public static class PlannedKernels
{
    public static int ForwardBytes<TBlock, TChunk, TAhead, TK, TV, TElement, TGate>()
        where TChunk : ISize
        where TK : ISize
        where TV : ISize
        where TElement : IElement => 2 * TChunk.Value * ((2 * TK.Value) + TV.Value) * TElement.Bytes;

    public static void Forward<TBlock, TChunk, TAhead, TK, TV, TElement, TGate>()
    {
    }
}

/// <summary>A kernel that is planned for and never run: what it asks for is six tiles, some of them with two places.</summary>
public static class AheadKernels
{
    public static int ForwardBytes<TBlock, TChunk, TAhead, TK, TElement, TGate>()
        where TChunk : ISize
        where TAhead : struct, ISize
        where TK : ISize
        where TElement : IElement => Enumerable.Range(0, 6).Sum(tile => Ahead.Bytes<TAhead>(tile, TChunk.Value * TK.Value * TElement.Bytes));

    public static void Forward<TBlock, TChunk, TAhead, TK, TElement, TGate>()
    {
    }
}
