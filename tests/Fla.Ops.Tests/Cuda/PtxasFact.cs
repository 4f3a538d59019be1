namespace Fla.Ops.Tests.Cuda;

/// <summary>A claim that takes NVIDIA's assembler to check.</summary>
public sealed class PtxasFactAttribute : FactAttribute
{
    public PtxasFactAttribute() => Skip = Ptxas.Program is null ? "needs NVIDIA's ptxas: FLA_PTXAS names it, or it is on the path" : null;
}

/// <summary>The same, of several kernels.</summary>
public sealed class PtxasTheoryAttribute : TheoryAttribute
{
    public PtxasTheoryAttribute() => Skip = Ptxas.Program is null ? "needs NVIDIA's ptxas: FLA_PTXAS names it, or it is on the path" : null;
}
