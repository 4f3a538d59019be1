using Fla.Dsl.Generator.Model;

namespace Fla.Dsl.Generator.Emit.Gpu;

/// <summary>Writes the kernels of a recurrence, and how they are launched.</summary>
internal static class GpuEmitter
{
    public static void Write(CodeWriter code, Declaration declaration, GpuPrograms programs)
    {
        var interfaces = programs.Programs.Select(program => new GpuInterface(declaration, program, programs.Split)).ToList();
        code.Line("/// <summary>Kernels: a block for each sequence, head and part of the values.</summary>").Block("public static class GpuCode", () =>
        {
            code.Line("/// <summary>The kernels, as they are launched.</summary>").Line("public static readonly GpuProgram Program = new(");
            code.Indented(() =>
            {
                foreach (var io in interfaces) io.Describe(code, io == interfaces[interfaces.Count - 1] ? ");" : ",");
            });
            foreach (var io in interfaces) new GpuKernel(io, code.Line()).Write(code);
        });
    }
}
