using System.Reflection;
using ILGPU;
using ILGPU.Backends.EntryPoints;
using ILGPU.Frontend;
using ILGPU.IR;
using ILGPU.IR.Analyses;
using ILGPU.IR.Transformations;

namespace Fla.Dsl.Runtime.Cuda;

/// <summary>
/// How ILGPU is to translate a kernel. By itself it writes all that a method calls into it, and only then looks for what is known: as most
/// of a library is for other devices, types and sizes, that would take it seconds. Here each method is simplified before it is written
/// into others; and a method's own variables become values before long methods are written into it, as ILGPU follows each variable
/// through all the loops that there are.
/// </summary>
internal static class Translation
{
    private static readonly Transformation[] OfVariables =
    [
        new Inliner(), new SimplifyControlFlow(), new SSAConstruction(), new LowerStructures(), new DeadCodeElimination(),
    ];

    private static readonly Transformation[] Simplification =
    [
        new Inliner(), new SimplifyControlFlow(), new SSAConstruction(),
        new UnreachableCodeElimination(), new DeadCodeElimination(), new SimplifyControlFlow(),
    ];

    /// <summary>Translates a kernel.</summary>
    /// <exception cref="Exception">ILGPU refuses it.</exception>
    public static ILGPU.Backends.CompiledKernel Run(MethodInfo kernel, ILGPU.Backends.Backend backend) =>
        backend.Compile(Read(kernel, backend.Context), EntryPointDescription.FromExplicitlyGroupedKernel(kernel), default);

    private static Method Read(MethodInfo kernel, Context context)
    {
        using var phase = context.BeginCodeGeneration();
        CodeGenerationResult read;
        using (var frontend = phase.BeginFrontendCodeGeneration()) read = frontend.GenerateCode(kernel);
        if (phase.IsFaulted) throw phase.LastException!;

        List<Method> branching = [];
        foreach (var methods in BottomUp(phase.IRContext))
        {
            foreach (var method in branching) method.RemoveFlags(MethodFlags.Inline);
            Apply(OfVariables, phase.IRContext, methods);
            foreach (var method in branching) method.AddFlags(MethodFlags.Inline);
            Apply(Simplification, phase.IRContext, methods);
            branching.AddRange(methods.Where(method => method.Blocks.Count > 1));
        }
        phase.IRContext.Transform(Transformer.Create(TransformerConfiguration.Transformed, new DeadCodeElimination()));
        var optimization = context.Properties.OptimizationLevel.CreateTransformer(
            TransformerConfiguration.Empty, context.Properties.InliningMode);
        Apply(optimization.Transformations, phase.IRContext, [read.Result!]);
        return read.Result!;
    }

    /// <summary>The methods that are new: those that call none of them, then those that call only these, and so on.</summary>
    private static IEnumerable<HashSet<Method>> BottomUp(IRContext context)
    {
        var untouched = context.GetMethodCollection(new MethodCollections.ToTransform(MethodTransformationFlags.Transformed));
        Dictionary<Method, int> heights = [];
        foreach (var caller in Landscape.Create(untouched)) // callees come first
        {
            int height = 0;
            foreach (var callee in caller.References) height = Math.Max(height, heights[callee] + 1);
            heights[caller.Method] = height;
        }
        return heights.GroupBy(pair => pair.Value, pair => pair.Key).OrderBy(group => group.Key).Select(group => group.ToHashSet());
    }

    private static void Apply(IEnumerable<Transformation> transformations, IRContext context, HashSet<Method> methods)
    {
        var collection = context.GetMethodCollection(new MethodCollections.SetPredicate(methods));
        foreach (var transformation in transformations) transformation.Transform(collection);
    }
}
