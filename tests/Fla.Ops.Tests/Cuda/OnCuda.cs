using TorchSharp;

namespace Fla.Ops.Tests.Cuda;

/// <summary>A claim about a CUDA device.</summary>
public sealed class CudaFactAttribute : FactAttribute
{
    public CudaFactAttribute() => Skip = OnCuda.SkipElsewhere;
}

/// <summary>The same with data.</summary>
public sealed class CudaTheoryAttribute : TheoryAttribute
{
    public CudaTheoryAttribute() => Skip = OnCuda.SkipElsewhere;
}

internal static class OnCuda
{
    public static string? SkipElsewhere { get; } = torch.cuda.is_available() ? null : "about a CUDA device, of which PyTorch finds none";
}
