using System.Diagnostics;
using System.Reflection;
using Fla.Dsl.Runtime;
using Fla.Dsl.Runtime.Cuda;
using Fla.Dsl.Runtime.Cuda.Ptx;

namespace Fla.Ops.Tests.Cuda;

public class KernelCompilerTests
{
    public static MethodInfo Products { get; } = typeof(TileKernels).GetMethod(nameof(TileKernels.Products))!;

    [Fact]
    public void A_kernel_of_matrix_products_has_no_local_memory_and_no_loop_but_that_over_its_tiles()
    {
        string text = Compile<Size64, Size64, Size64>();
        Assert.DoesNotContain("local", text.Replace("%local", "", StringComparison.Ordinal));
        Assert.Equal(4 * 4, PtxText.Count(text, "mma.sync"));
        Assert.Equal(1, PtxText.Loops(text));
        Assert.Contains(".target sm_90", text);
        Assert.Contains(".version 7.8", text);
        Assert.Contains(".extern .shared .align 128 .b8 __dyn_shared_alloca[];", text);
    }

    [Fact]
    public void A_tensor_is_one_parameter_in_the_order_of_its_fields()
    {
        string text = KernelCompiler.Compile(EmulatorTests.Method(nameof(Kernels.Tensors)), PtxText.Target).Text;
        Assert.Equal(2, PtxText.Count(text, ".param .align 8 .b8"));
        Assert.Matches(@"ld\.param\.b64\s+%rd\d+, \[\w+\]", text);
        Assert.Matches(@"ld\.param\.b32\s+%r\d+, \[\w+\+8\]", text);
        Assert.Matches(@"ld\.param\.b32\s+%r\d+, \[\w+\+12\]", text);
    }

    [Fact]
    public void What_is_read_from_a_place_is_read_before_another_number_is_written_there()
    {
        string text = KernelCompiler.Compile(EmulatorTests.Method(nameof(Kernels.SumsInPlace)), PtxText.Target).Text;
        Assert.Equal((1, 1), (PtxText.Count(text, "ld.shared"), PtxText.Count(text, "st.shared")));
        Assert.True(text.IndexOf("ld.shared", StringComparison.Ordinal) < text.IndexOf("st.shared", StringComparison.Ordinal), text);
    }

    [Fact]
    public void A_condition_is_one_or_zero()
    {
        string text = KernelCompiler.Compile(EmulatorTests.Method(nameof(Kernels.Condition)), PtxText.Target).Text;
        Assert.Matches(@"selp\.\w+\s+%\w+, 0f3F800000, 0f00000000, %p", text);
    }

    [PtxasFact]
    public void It_fits_into_registers()
    {
        var (stack, spills, registers) = Ptxas.Assemble(Compile<Size128, Size128, Size64>());
        Assert.Equal((0, 0), (stack, spills));
        Assert.InRange(registers, 64, 255);
    }

    [Fact]
    public void Forty_thousand_lines_take_less_than_a_third_of_a_second()
    {
        string text = KernelCompiler.Translate(Products.MakeGenericMethod(typeof(Size128), typeof(Size128), typeof(Size256))).Text;
        int lines = PtxText.Unrolled(text).AsSpan().Count('\n');
        double best = double.MaxValue;
        for (int i = 0; i < 25; i++)   // the fastest: what else the machine does counts as little as can be
        {
            var watch = Stopwatch.StartNew();
            PtxPasses.Run(text, PtxText.Target);
            best = Math.Min(best, watch.Elapsed.TotalSeconds * 40_000 / lines);
        }
        Assert.InRange(lines, 20_000, 100_000);
        Assert.InRange(best, 0, 0.3);
    }

    [Fact]
    public void A_method_that_cannot_be_compiled_is_named_with_the_reason_and_does_no_harm_to_others()
    {
        var refused = typeof(Kernels).GetMethod(nameof(Kernels.Stack))!;
        var e = Assert.Throws<KernelCompilationException>(() => KernelCompiler.Compile(refused, PtxText.Target));
        Assert.Contains("Kernels.Stack", e.Message);
        Assert.Contains("mma.sync", Compile<Size16, Size64, Size16>());
    }

    [Theory]
    [InlineData(80, "sm_80", "7.0")]
    [InlineData(86, "sm_86", "7.1")]
    [InlineData(90, "sm_90", "7.8")]
    [InlineData(95, "sm_90", "7.8")]
    [InlineData(200, "sm_121", "8.8")]
    public void The_target_is_the_newest_that_the_device_runs(int architecture, string name, string version)
    {
        var target = PtxTarget.For(architecture);
        Assert.Equal((name, version), (target.Name, target.Version));
    }

    [Fact]
    public void A_device_that_is_too_old_is_refused() =>
        Assert.Contains("7.5", Assert.Throws<ArgumentException>(() => PtxTarget.For(75)).Message);

    private static string Compile<M, N, K>() =>
        KernelCompiler.Compile(Products.MakeGenericMethod(typeof(M), typeof(N), typeof(K)), PtxText.Target).Text;
}
