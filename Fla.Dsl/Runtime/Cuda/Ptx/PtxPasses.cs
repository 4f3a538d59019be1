namespace Fla.Dsl.Runtime.Cuda.Ptx;

/// <summary>
/// What ILGPU leaves undone: it writes loops over fragments as loops and the arrays they index as local memory, which the driver's
/// compiler, then, cannot keep in registers.
/// </summary>
internal static class PtxPasses
{
    /// <summary>The text that the driver is given.</summary>
    public static string Run(string ptx, PtxTarget target) => PtxModule.Parse(ptx)
        .WithLines(target.Apply)
        // What a loop need not do is not written out.
        .WithFunctions(Simplified)
        .WithFunctions(function => function with { Flow = Unrolling.Run(function.Flow) })
        // The index of an element is a number once its loop is written out, and most is known, or the same as before.
        .WithFunctions(Simplified)
        .ToString();

    /// <summary>The same with arrays in registers, nothing computed twice, and nothing that serves nobody.</summary>
    private static PtxFunction Simplified(PtxFunction function)
    {
        var numbered = Numbering.Run(Promotion.Run(function));
        return numbered with { Flow = DeadCode.Run(numbered.Flow) };
    }
}
