using Fla.Dsl.Generator.Lowering;
using Fla.Dsl.Generator.Model;

namespace Fla.Dsl.Generator.Emit.Gpu;

/// <summary>A kernel's parameters and type parameters, in the kernel and as the launcher sees them.</summary>
internal sealed partial class GpuInterface
{
    /// <summary>The type parameters as C#.</summary>
    public string Generics => string.Join(", ", TypeParameters);

    /// <summary>What they are to be, one each.</summary>
    public IEnumerable<string> Constraints => TypeParameters.Select(type =>
        $"where {type} : struct, {(type switch { "TElement" or "TGate" => "IElement", "TBlock" => "IBlock", _ => "ISize" })}");

    /// <summary>The kernel's parameters as C#.</summary>
    public IEnumerable<string> Parameters => Roles.Select(role =>
        Scales.FirstOrDefault(scale => Tensor(scale) == role.Parameter) is { } scale
            ? $"float {Local(scale)}"
            : $"GpuTensor {role.Parameter}");

    private IEnumerable<string> TypeParameters =>
        ["TBlock", "TChunk", "TAhead", .. Plan.Dimensions.Select(GpuBody.Size), "TElement", "TGate"];

    /// <summary>What the caller passes for each parameter.</summary>
    private IEnumerable<(string Role, string Of, string Parameter)> Roles
    {
        get
        {
            foreach (var input in Tokens)
                yield return input.Kind == InputKind.OutputGradient
                    ? ("OutputGradient", Declared(input.Name), Tensor(input))
                    : ("Argument", input.Name, Tensor(input));
            foreach (var input in PerHead.Concat(Scales)) yield return ("Argument", input.Name, Tensor(input));
            foreach (var output in program.Outputs)
                yield return IsBackward
                    ? ("ArgumentGradient", Declared(output.Name), Tensor(output))
                    : ("Output", output.Name, Tensor(output));
            foreach (var input in program.Carried)
            {
                var state = StateOf(input);
                if (HasKept(input)) yield return ("KeptState", state, KeptTensor(state));
                if (!IsSegment) yield return (IsBackward ? "FinalStateGradient" : "InitialState", state, Incoming(input));
                yield return Kernel.Decays?.TryGetValue(input.Name, out var of) == true
                    ? ("StateDecay", IsBackward ? Declared(of) : of, Outgoing(input))
                    : (IsBackward ? "InitialStateGradient" : "FinalState", state, Outgoing(input));
            }
        }
    }

    /// <summary>Writes how the launcher sees the kernel.</summary>
    public void Describe(CodeWriter code, string end)
    {
        var dimensions = string.Join(", ", Plan.Dimensions.Select(dimension => $"\"{dimension}\""));
        var split = Split is null ? "null" : $"\"{Split}\"";
        var products = Products.Select(sizes => $"({string.Join(", ", sizes.Select(Quoted))})");
        var about = isByChannel ? "IsByChannel = true" : $"Products = [{string.Join(", ", products)}]";
        code.Line($"{Kernel.Name}: new GpuKernel(typeof(GpuCode), nameof({Kernel.Name}), [{dimensions}], {split},").Line("[")
            .Indented(() => code.Lines(Roles.Select(role => $"new(GpuRole.{role.Role}, \"{role.Of}\"),")))
            .Line($"]) {{ {about} }}{end}");

        static string Quoted(string dimension) => $"\"{(dimension == Dim.Time ? "C" : dimension)}\"";
    }

    /// <summary>The matrix products of a chunk: rows, columns and inner dimension of each. An inverse takes as much as a product.</summary>
    private IEnumerable<string[]> Products =>
        from tile in program.Instructions
        where Plan.Needed.Contains(tile.Id)
        let left = tile.Operands.Count > 0 ? program[tile.Operands[0]].Shape : tile.Shape
        where tile.Op is TileOp.MatMul or TileOp.DecayedDot or TileOp.DecayedMix or TileOp.DecayedMixTransposed or TileOp.InverseUnitLower
        select new[] { tile.Shape.Rows, tile.Shape.Columns, tile.TransposeLeft ? left.Rows : left.Columns };
}
