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
        // Loops before arrays: the index of an element is a number once its loop is written out.
        .WithFunctions(function => function with { Flow = Unrolling.Run(function.Flow) })
        .WithFunctions(Promotion.Run)
        // Then most of what is written out again and again is known, or the same as before.
        .WithFunctions(Numbering.Run)
        // What served it serves nobody any more.
        .WithFunctions(function => function with { Flow = DeadCode.Run(function.Flow) })
        .ToString();
}
