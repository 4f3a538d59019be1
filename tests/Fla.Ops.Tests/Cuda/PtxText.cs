using System.Globalization;
using Fla.Dsl.Runtime.Cuda.Ptx;

namespace Fla.Ops.Tests.Cuda;

/// <summary>Small kernels as ILGPU would write them.</summary>
internal static class PtxText
{
    public static readonly PtxTarget Target = PtxTarget.For(90);

    /// <summary>A kernel of one parameter, <c>n</c> in <c>%r0</c>, with a local array of 32 bytes for each name.</summary>
    public static string Kernel(string body, params string[] depots) => $$"""
        .version 7.0
        .target sm_80
        .address_size 64

        .extern .shared .align 4 .b8 __dyn_shared_alloca[];

        .visible .entry Kernel_Test(
        	.param .b32 n
        )
        {
        {{string.Join('\n', depots.Select(depot => $"\t.local .align 4 .b8 {depot}[32];"))}}
        	.reg .pred	%p<99>;
        	.reg .b16	%rs<99>;
        	.reg .b32	%r<99>;
        	.reg .b64	%rd<99>;
        	.reg .f32	%f<99>;
        	.reg .b32	%s<4>;

        	ld.param.b32	%r0, [n];
        {{body}}
        }

        """;

    /// <summary>
    /// A loop of a counter, as <c>%r1</c>, over a body, the way ILGPU writes it. In the step {0} is the counter and {1} its next value.
    /// </summary>
    public static string Loop(string name, string counter, string start, string end, string body, string step = "add.s32\t{1}, {0}, 1;")
    {
        string next = $"%r9{counter[2..]}", ends = $"%p9{counter[2..]}";
        return $"""
            mov.b32	{counter}, {start};
            {name}:
            setp.ge.s32	{ends}, {counter}, {end};
            @{ends} bra.uni	{name}_end;
            {body}
            {name}_next:
            {string.Format(CultureInfo.InvariantCulture, step, counter, next)}
            mov.b32	{counter}, {next};
            bra.uni	{name};
            {name}_end:

            """;
    }

    /// <summary>The text with its loops written out.</summary>
    public static string Unrolled(string ptx) =>
        PtxModule.Parse(ptx).WithFunctions(function => function with { Flow = Unrolling.Run(function.Flow) }).ToString();

    /// <summary>The text with its arrays in registers.</summary>
    public static string Promoted(string ptx) => PtxModule.Parse(ptx).WithFunctions(Promotion.Run).ToString();

    /// <summary>The text with nothing computed twice.</summary>
    public static string Numbered(string ptx) => PtxModule.Parse(ptx)
        .WithFunctions(Numbering.Run)
        .WithFunctions(function => function with { Flow = DeadCode.Run(function.Flow) })
        .ToString();

    /// <summary>How many loops there are.</summary>
    public static int Loops(string ptx) => PtxModule.Parse(ptx).Functions.Sum(function =>
        Fla.Dsl.Runtime.Cuda.Ptx.Loop.Of(function.Flow).Count);

    /// <summary>How often a piece occurs.</summary>
    public static int Count(string text, string piece) => text.Split(piece).Length - 1;

    /// <summary>That a text means the same as another.</summary>
    public static void Same(string expected, string actual)
    {
        for (int n = -1; n < 6; n++) Assert.Equal(PtxMachine.Run(expected, n), PtxMachine.Run(actual, n));
    }
}
