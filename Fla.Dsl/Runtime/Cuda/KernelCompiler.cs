using System.Reflection;
using Fla.Dsl.Runtime.Cuda.Ptx;
using ILGPU;
using ILGPU.Backends.PTX;
using ILGPU.Runtime.Cuda;

namespace Fla.Dsl.Runtime.Cuda;

/// <summary>Compiles methods to PTX, on any machine: ILGPU, and then <see cref="PtxPasses"/>.</summary>
internal static class KernelCompiler
{
    /// <summary>The PTX of a kernel.</summary>
    /// <exception cref="KernelCompilationException">ILGPU refuses the method.</exception>
    public static PtxKernel Compile(MethodInfo method, PtxTarget target) => Uncollected.While(() =>
    {
        var kernel = Translate(method);
        return kernel with { Text = PtxPasses.Run(kernel.Text, target) };
    });

    /// <summary>The PTX of a kernel as ILGPU writes it.</summary>
    /// <exception cref="KernelCompilationException">ILGPU refuses the method.</exception>
    public static PtxKernel Translate(MethodInfo method)
    {
        // A context for each: several can be compiled at once, and one in which a method has failed fails for all that come after it.
        using var context = Context.Create(builder => builder
            .Optimize(OptimizationLevel.O2).Inlining(InliningMode.Aggressive).Math(MathMode.Fast32BitOnly));
        var oldest = CudaArchitecture.SM_80;
        using var backend = new PTXBackend(context, new CudaCapabilityContext(oldest), oldest, CudaInstructionSet.ISA_70, null!);
        MemoryOrder.Keep(backend);
        try
        {
            var compiled = (PTXCompiledKernel)Translation.Run(method, backend);
            context.ClearCache(ClearCacheMode.Everything); // objects that wait to be finalized keep it, and all the methods in it, alive
            return new PtxKernel(compiled.Name, WithConditions(compiled.PTXAssembly));
        }
        catch (Exception e)
        {
            throw new KernelCompilationException($"{PreparedKernel.NameOf(method)} cannot be compiled for a GPU: {Reason(e)}", e);
        }
    }

    // A condition that is converted to fp32 is 1 or 0; of the 1, ILGPU 1.5.3 makes the number whose bits are 1.
    private static string WithConditions(string text) =>
        text.Replace("0f00000001, 0f00000000", "0f3F800000, 0f00000000", StringComparison.Ordinal);

    /// <summary>What ILGPU says, with the methods that it was in, the innermost first.</summary>
    internal static string Reason(Exception exception)
    {
        List<string> reasons = [];
        for (var e = exception; e is not null; e = e is AggregateException { InnerExceptions: [var first, ..] } ? first : e.InnerException)
            if (e is not AggregateException) reasons.Add(e.Message);
        reasons.Reverse();
        return string.Join("; ", reasons);
    }
}
