using Fla.Dsl.Generator.Lowering;

namespace Fla.Dsl.Generator.Emit.Gpu;

/// <summary>Writes the kernels of a recurrence, if it is made of what kernels have.</summary>
internal static class GpuEmitter
{
    public static bool Fits(CompiledRecurrence compiled) => compiled.Chunk is { } chunk && Places.Fits(GpuLowering.Lower(chunk.Forward.Program));

    public static void Write(CodeWriter code, CompiledRecurrence compiled) => code
        .Line("/// <summary>Kernels: a block for each sequence and head.</summary>")
        .Block("public static class GpuCode", () =>
            new GpuKernel(compiled.Declaration, GpuLowering.Lower(compiled.Chunk!.Forward.Program)).Write(code, "Forward", "From the first token to the last."));
}
