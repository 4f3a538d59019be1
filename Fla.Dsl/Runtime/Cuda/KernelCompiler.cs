using System.Reflection;
using Fla.Dsl.Runtime.Cuda.Ptx;
using ILGPU;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.PTX;
using ILGPU.Runtime.Cuda;

namespace Fla.Dsl.Runtime.Cuda;

/// <summary>Compiles methods to PTX, on any machine: ILGPU, and then <see cref="PtxPasses"/>.</summary>
internal static class KernelCompiler
{
    private static readonly Lock Gate = new();
    private static (Context Context, PTXBackend Backend)? compiler;

    /// <summary>The PTX of a kernel.</summary>
    /// <exception cref="KernelCompilationException">ILGPU refuses the method.</exception>
    public static PtxKernel Compile(MethodInfo method, PtxTarget target)
    {
        var kernel = Translate(method);
        return kernel with { Text = PtxPasses.Run(kernel.Text, target) };
    }

    /// <summary>The PTX of a kernel as ILGPU writes it.</summary>
    /// <exception cref="KernelCompilationException">ILGPU refuses the method.</exception>
    public static PtxKernel Translate(MethodInfo method)
    {
        lock (Gate)
        {
            try
            {
                var (_, backend) = compiler ??= Start();
                var compiled = (PTXCompiledKernel)backend.Compile(EntryPointDescription.FromExplicitlyGroupedKernel(method), default);
                return new PtxKernel(compiled.Name, compiled.PTXAssembly);
            }
            catch (Exception e)
            {
                // A context in which one method has failed fails for all that come after it.
                Stop();
                throw new KernelCompilationException($"{PreparedKernel.NameOf(method)} cannot be compiled for a GPU: {Reason(e)}", e);
            }
        }
    }

    /// <summary>What ILGPU says, with the methods that it was in, the innermost first.</summary>
    internal static string Reason(Exception exception)
    {
        List<string> reasons = [];
        for (var e = exception; e is not null; e = e is AggregateException { InnerExceptions: [var first, ..] } ? first : e.InnerException)
            if (e is not AggregateException) reasons.Add(e.Message);
        reasons.Reverse();
        return string.Join("; ", reasons);
    }

    private static (Context Context, PTXBackend Backend) Start()
    {
        var context = Context.Create(builder => builder
            .Optimize(OptimizationLevel.O2).Inlining(InliningMode.Aggressive).Math(MathMode.Fast32BitOnly));
        var oldest = CudaArchitecture.SM_80;
        return (context, new PTXBackend(context, new CudaCapabilityContext(oldest), oldest, CudaInstructionSet.ISA_70, null!));
    }

    private static void Stop()
    {
        compiler?.Backend.Dispose();
        compiler?.Context.Dispose();
        compiler = null;
    }
}
