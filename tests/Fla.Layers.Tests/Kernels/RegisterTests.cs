using Fla.Dsl.Runtime.Cuda;
using Fla.Dsl.Runtime.Cuda.Ptx;
using Fla.Dsl.Runtime.Gpu;
using Fla.Layers.Kernels;

namespace Fla.Layers.Tests.Kernels;

/// <summary>All that a thread has is in registers: in the text for the driver, and by NVIDIA's assembler where that is there.</summary>
public class RegisterTests
{
    private static readonly Type Brain = typeof(BrainElement), Half = typeof(HalfElement), Single = typeof(SingleElement);

    [Theory]
    [InlineData(64, true)]
    [InlineData(512, true)]
    [InlineData(2048, true)]
    [InlineData(2048, false)]
    [InlineData(4096, true)]
    public void Norms(long columns, bool aligned)
    {
        var shape = RowShape.Of(columns, aligned);
        Fits(typeof(NormKernels), nameof(NormKernels.Forward), [.. shape.Types, Brain, Brain, Single]);
        Fits(typeof(NormKernels), nameof(NormKernels.Backward), [.. shape.Types, Brain, Brain, Brain]);
        Fits(typeof(NormKernels), nameof(NormKernels.Backward), [.. shape.Types, Half, Single, Single]);
    }

    [Theory]
    [InlineData(typeof(Size8), typeof(Size4), typeof(BrainElement))]
    [InlineData(typeof(Size8), typeof(Size4), typeof(SingleElement))]
    [InlineData(typeof(Size1), typeof(Size1), typeof(HalfElement))]
    public void Convolutions(Type forward, Type backward, Type element)
    {
        Fits(typeof(ConvolutionKernels), nameof(ConvolutionKernels.Forward), [typeof(Size4), forward, element, element]);
        Fits(typeof(ConvolutionKernels), nameof(ConvolutionKernels.Backward), [typeof(Size4), backward, element, element]);
    }

    [Theory]
    [InlineData(typeof(Size8), typeof(BrainElement))]
    [InlineData(typeof(Size8), typeof(HalfElement))]
    [InlineData(typeof(Size8), typeof(SingleElement))]
    [InlineData(typeof(Size1), typeof(BrainElement))]
    public void All_others(Type piece, Type element)
    {
        Fits(typeof(SwishProductKernels), nameof(SwishProductKernels.Forward), [piece, element]);
        Fits(typeof(SwishProductKernels), nameof(SwishProductKernels.Backward), [piece, element]);
        Fits(typeof(RotationKernel), nameof(RotationKernel.Turn), [piece, element]);
        Fits(typeof(CrossEntropyKernels), nameof(CrossEntropyKernels.Losses), [piece, element]);
        Fits(typeof(CrossEntropyKernels), nameof(CrossEntropyKernels.Gradient), [piece, element, element]);
    }

    private static void Fits(Type code, string name, Type[] types)
    {
        var method = code.GetMethod(name)!.MakeGenericMethod([typeof(Cuda8), .. types]);
        var text = KernelCompiler.Compile(method, PtxTarget.For(90)).Text;
        Assert.DoesNotContain(".local", text);
        if (Ptxas.Program is null)
            return;
        var (stack, spills, _) = Ptxas.Assemble(text);
        Assert.Equal((0, 0), (stack, spills));
    }
}
