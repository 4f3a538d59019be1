using Fla.Dsl.Generator.Emit.Gpu.Channels;
using Fla.Dsl.Generator.Model;

namespace Fla.Dsl.Generator.Emit.Gpu;

/// <summary>Writes the kernels of a recurrence, and how they are launched.</summary>
internal static class GpuEmitter
{
    /// <summary>Where tiles are, in a line.</summary>
    public static string Layout(GpuPrograms programs) => programs.IsByChannel
        ? "A thread has what tiles hold of its channel, and walks the C tokens of a chunk one after another."
        : "Tiles are [C, dim], C the tokens of a chunk: in a block's shared memory, or spread over its threads, each with elements [i].";

    public static void Write(CodeWriter code, Declaration declaration, GpuPrograms programs)
    {
        var interfaces = programs.Programs.Select(program => new GpuInterface(declaration, program, programs)).ToList();
        var each = programs.IsByChannel ? "a thread for each channel" : "a block for each sequence, head and part of the values";
        code.Line($"/// <summary>Kernels: {each}.</summary>").Block("public static class GpuCode", () =>
        {
            code.Line("/// <summary>The kernels, as they are launched.</summary>").Line("public static readonly GpuProgram Program = new(");
            code.Indented(() =>
            {
                foreach (var io in interfaces) io.Describe(code, io == interfaces[interfaces.Count - 1] ? ");" : ",");
            });
            foreach (var io in interfaces)
            {
                if (programs.IsByChannel) new ChannelKernel(io).Write(code.Line());
                else new GpuKernel(io, code.Line()).Write(code);
            }
        });
    }
}
