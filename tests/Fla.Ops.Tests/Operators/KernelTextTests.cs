using System.Text.RegularExpressions;
using Fla.Dsl;
using Fla.Dsl.Runtime;
using Fla.Dsl.Runtime.Cuda;
using Fla.Dsl.Runtime.Gpu;
using Fla.Dsl.Runtime.Launch;
using Fla.Layers.Evaluation;
using Fla.Ops.Tests.Cuda;
using VerifyXunit;
using static TorchSharp.torch;

namespace Fla.Ops.Tests.Operators;

/// <summary>What becomes of every op's kernels for an H100: how they are launched, and the PTX that the driver is given.</summary>
public class KernelTextTests
{
    // Sequences that fill the device, and one that is cut into segments.
    private static readonly OpShape Many = new(8, 2048, 32, 128, 128), Long = new(1, 16384, 8, 128, 128);

    private static readonly (long Keys, long Values)[] Sizes = [(16, 16), (64, 64), (128, 128), (256, 256), (64, 128), (128, 64), (100, 36)];

    private static readonly (string Name, string Pattern)[] Instructions =
    [
        ("lines", ";"),
        ("mma", @"\bmma\.sync"),
        ("ldmatrix", @"\bldmatrix\b"),
        ("cp.async", @"\bcp\.async\.c[ag]\b"),
        ("bar", @"\bbar\.sync"),
        ("ld", @"\bld\.(global\.|volatile\.)?[bfsu]\d"),
        ("st", @"\bst\.(global\.|volatile\.)?[bfsuv]\d"),
        ("ld.shared", @"\bld\.shared\b"),
        ("st.shared", @"\bst\.shared\b"),
        ("local", @"\b(ld|st)\.local\b"),
    ];

    private static readonly Lazy<IReadOnlyDictionary<(string Op, string Kernel), string>> Texts = new(CompileAll);

    /// <summary>The kernels whose time is measured against others'.</summary>
    public static TheoryData<string, string> Tuned => new()
    {
        { "Retention", "Forward" },
        { "Retention", "TokenBackward" },
        { "SimpleGatedLinearAttention", "Forward" },
        { "SimpleGatedLinearAttention", "Backward" },
        { "GatedLinearAttention", "Forward" },
        { "GatedLinearAttention", "Backward" },
        { "DeltaRule", "Forward" },
        { "DeltaRule", "Backward" },
        { "GatedDeltaRule", "Forward" },
        { "GatedDeltaRule", "Backward" },
        { "Rwkv6", "Forward" },
        { "Rwkv6", "TokenBackward" },
    };

    [Fact]
    public async Task Their_instructions_are_as_verified() => await Verify("Kernels", Texts.Value
        .OrderBy(kernel => kernel.Key)
        .Select(kernel => (string[])[kernel.Key.Op, kernel.Key.Kernel, .. Instructions.Select(counted => $"{Count(kernel.Value, counted.Pattern)}")])
        .Prepend(["op", "kernel", .. Instructions.Select(counted => counted.Name)]));

    [Fact]
    public void None_has_local_memory() => Assert.All(Texts.Value, kernel => Assert.DoesNotContain(".local", kernel.Value));

    [Theory]
    [InlineData("Retention")]
    [InlineData("GatedLinearAttention")]
    [InlineData("KimiDeltaAttention")]
    [InlineData("GatedSlotAttention")]
    public void In_fp32_they_are_about_as_long(string name)
    {
        var op = Ops.First(op => op.Name == name);
        Assert.All(Plans(op, Many, type: ScalarType.Float32), plan =>
        {
            string text = KernelCompiler.Compile(plan.Method, PtxText.Target).Text;
            Assert.InRange(Count(text, ";"), 0, 1.5 * Count(Texts.Value[(name, plan.Kernel.Name)], ";"));
        });
    }

    [Theory]
    [InlineData("Retention", 128, 36, 128, 40)]
    [InlineData("GatedLinearAttention", 100, 64, 104, 64)]
    public void Rows_that_are_not_aligned_have_kernels_of_their_own(string name, long keys, long values, long alignedKeys, long alignedValues)
    {
        var op = Ops.First(op => op.Name == name);
        var others = Plans(op, Many with { Keys = keys, Values = values });
        var aligned = Plans(op, Many with { Keys = alignedKeys, Values = alignedValues });
        Assert.All(others.Zip(aligned), pair =>
        {
            Assert.Equal(typeof(Cuda8), pair.First.Method.GetGenericArguments()[0]);
            Assert.Equal(typeof(AlignedCuda8), pair.Second.Method.GetGenericArguments()[0]);
            string[] texts = [.. new[] { pair.First, pair.Second }.Select(plan => KernelCompiler.Compile(plan.Method, PtxText.Target).Text)];
            Assert.All(texts, text => Assert.DoesNotContain(".local", text));
            Assert.True(Count(texts[0], ";") > Count(texts[1], ";"));
        });
    }

    /// <summary>The tokens of a chunk, and over how many blocks each kernel's columns are split; nothing where tiles do not fit.</summary>
    [Fact]
    public async Task How_they_are_launched_is_as_verified() => await Verify("Launches", Ops
        .Select(op => (string[])[op.Name, .. Sizes.Select(size => Launch([.. Plans(op, Many with { Keys = size.Keys, Values = size.Values })]))])
        .Prepend(["op", .. Sizes.Select(size => $"K{size.Keys} V{size.Values}")]));

    [PtxasTheory]
    [MemberData(nameof(Tuned))]
    public void Their_values_fit_into_registers(string op, string kernel)
    {
        var (stack, spills, _) = Ptxas.Assemble(Texts.Value[(op, kernel)]);
        Assert.Equal((0, 0), (stack, spills));
    }

    private static IEnumerable<RecurrenceOp> Ops => Fla.Ops.Catalogue.All.Where(op => op.Gpu is not null);

    private static IEnumerable<LaunchPlan> Plans(
        RecurrenceOp op, OpShape shape, bool perHead = false, ScalarType type = ScalarType.BFloat16) =>
        LaunchPlan.Of(op, shape.WorkOf(op, type), Machine.H100, perHead);

    private static IReadOnlyDictionary<(string Op, string Kernel), string> CompileAll()
    {
        var kernels =
            from op in Ops
            from plan in Plans(op, Many).Concat(Plans(op, Many, perHead: true)).Concat(Plans(op, Long)).DistinctBy(plan => plan.Kernel.Name)
            select (Key: (op.Name, plan.Kernel.Name), plan.Method);
        return kernels.AsParallel()
            .Select(kernel => (kernel.Key, KernelCompiler.Compile(kernel.Method, PtxText.Target).Text))
            .ToDictionary();
    }

    private static string Launch(LaunchPlan[] plans) =>
        plans is [var first, ..] ? $"{first.Chunk}: {string.Join(" ", plans.Select(plan => plan.Splits))}" : "-";

    private static int Count(string text, string pattern) => Regex.Count(text, pattern);

    private static async Task Verify(string name, IEnumerable<string[]> table)
    {
        string[][] rows = [.. table];
        int[] widths = [.. Enumerable.Range(0, rows[0].Length).Select(i => rows.Max(row => row[i].Length))];
        var lines = rows.Select(row => string.Join("  ", row.Select((cell, i) => cell.PadRight(widths[i]))).TrimEnd());
        await Verifier.Verify(string.Join('\n', lines)).UseDirectory("Snapshots").UseFileName(name);
    }
}
