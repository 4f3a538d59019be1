using Fla.Dsl.Runtime.Cuda;
using Fla.Dsl.Runtime.Cuda.Ptx;
using Fla.Dsl.Runtime.Gpu;
using Fla.Layers.Kernels;
using Fla.Ops.Tests.Cuda;

namespace Fla.Layers.Tests.Kernels;

/// <summary>Kernels as NVIDIA's assembler sees them: all that a thread has of its row is in registers.</summary>
public class RegisterTests
{
    [PtxasTheory]
    [InlineData(64, true)]
    [InlineData(512, true)]
    [InlineData(2048, true)]
    [InlineData(2048, false)]
    [InlineData(4096, true)]
    [InlineData(8192, true)]
    public void Norms(long columns, bool aligned)
    {
        var shape = RowShape.Of(columns, aligned);
        Fits(typeof(NormKernels), nameof(NormKernels.Forward), [.. shape.Types, Brain, Brain, Single]);
        Fits(typeof(NormKernels), nameof(NormKernels.Backward), [.. shape.Types, Brain, Brain, Brain]);
        Fits(typeof(NormKernels), nameof(NormKernels.Backward), [.. shape.Types, typeof(HalfElement), Single, Single]);
    }

    private static readonly Type Brain = typeof(BrainElement), Single = typeof(SingleElement);

    private static void Fits(Type code, string name, Type[] types)
    {
        var method = code.GetMethod(name)!.MakeGenericMethod([typeof(Cuda8), .. types]);
        var (stack, spills, _) = Ptxas.Assemble(KernelCompiler.Compile(method, PtxTarget.For(90)).Text);
        Assert.Equal((0, 0), (stack, spills));
    }
}
