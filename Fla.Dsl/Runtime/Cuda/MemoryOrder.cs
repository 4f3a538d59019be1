using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using ILGPU.IR.Transformations;

namespace Fla.Dsl.Runtime.Cuda;

/// <summary>
/// Keeps loads, stores and barriers in the order in which a kernel has them. The last of a backend's passes brings what is computed near to
/// its use, and in ILGPU 1.5.3 a load goes with it past the last store or barrier of its block, to read what came after it.
/// </summary>
internal static class MemoryOrder
{
    /// <summary>Lets a backend bring near to its use only what does not touch memory.</summary>
    public static void Keep(ILGPU.Backends.Backend backend) => Set(backend, [.. TransformersOf(backend).Select(InOrder)]);

    private static Transformer InOrder(Transformer passes) =>
        Transformer.Create(passes.Configuration, [.. passes.Transformations.Select(InOrder)]);

    private static Transformation InOrder(Transformation pass) =>
        pass is CodePlacement ? new CodePlacement<CodePlacement.GroupOperands>(CodePlacementMode.Default) : pass;

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_KernelTransformers")]
    private static extern ImmutableArray<Transformer> TransformersOf(ILGPU.Backends.Backend backend);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "set_KernelTransformers")]
    private static extern void Set(ILGPU.Backends.Backend backend, ImmutableArray<Transformer> passes);
}
