using Fla.Dsl.Generator.Lowering;
using Fla.Dsl.Generator.Model;

namespace Fla.Dsl.Generator.Emit.Gpu;

/// <summary>Writes the kernels of a recurrence, if it is made of what kernels have.</summary>
internal static class GpuEmitter
{
    public static bool Fits(CompiledRecurrence compiled) => compiled.Chunk is { } chunk
        && Fits(compiled.Declaration, GpuLowering.Lower(chunk.Forward.Program)) && Fits(compiled.Declaration, GpuLowering.Lower(chunk.Backward.Program));

    /// <summary>Whether all operations have kernels, and all that comes has a place: rows of states are columns of a tensor of tokens.</summary>
    private static bool Fits(Declaration declaration, TileProgram program)
    {
        bool IsPerToken(ProgramInput input) => input.Kind == InputKind.OutputGradient
            || input.Kind == InputKind.Argument && declaration.Parameters.Any(parameter => parameter.Name == input.Name && parameter.Role == ParameterRole.Token);
        if (!Places.Fits(program)) return false;
        var used = program.Ancestors(program.Outputs.Concat(program.Next).Select(result => result.Id));
        var columns = program.Inputs.Where(input => used.Contains(input.Id) && IsPerToken(input)).Select(input => program[input.Id].Shape).Where(shape => Places.Of(shape) == Place.Tile).Select(shape => shape.Columns).ToList();
        return program.Inputs.Where(input => !IsPerToken(input)).All(input => program[input.Id].Shape is var shape && Places.Of(shape) switch
        {
            Place.Tile => input.Kind is InputKind.Carry or InputKind.State && columns.Contains(shape.Rows),
            Place.Scalar => input.Kind == InputKind.Argument,
            _ => true,
        });
    }

    public static void Write(CodeWriter code, CompiledRecurrence compiled)
    {
        var (declaration, chunk) = (compiled.Declaration, compiled.Chunk!);
        var split = SplitOf(chunk.Forward.Program);
        var backward = GpuLowering.Lower(chunk.Backward.Program);
        GpuKernel Kernel(TileProgram program, string name, bool isBackward) => new(declaration, program, name, isBackward) { Split = split };
        var kernels = new List<(string Property, string Summary, GpuKernel Kernel)>
        {
            ("Forward", "From the first token to the last: the output, and the states carried into each chunk.", Kernel(GpuLowering.Lower(chunk.Forward.Program), "Forward", false)),
            ("Backward", "From the last token to the first: the gradients.", Kernel(backward, "Backward", true)),
        };
        if (declaration.Parameters.Any(parameter => parameter.Role == ParameterRole.PerHead))
        {
            bool IsPerHead(ProgramOutput output) => declaration.Parameters.Any(parameter => parameter.Role == ParameterRole.PerHead && output.Name == $"d{parameter.Name}");
            var tokens = Simplification.Simplify(backward with { Outputs = backward.Outputs.Where(output => !IsPerHead(output)).ToEquatableArray() });
            kernels.Add(("TokenBackward", "From the last token to the first: the gradients of what is per token.", Kernel(tokens, "TokenBackward", true)));
        }

        if (SegmentProgram.Of(chunk.Forward.Program) is var (segment, decays) && GpuLowering.Lower(segment) is var lowered && Fits(declaration, lowered))
            kernels.Add(("Segment", "What a segment of a sequence makes of an empty state, and how it decays another one.", new(declaration, lowered, "Segment", false) { Split = split, Decays = decays }));

        code.Line("/// <summary>Kernels: a block for each sequence, head and part of the values.</summary>").Block("public static class GpuCode", () =>
        {
            var written = code.Inner(0);
            foreach (var (_, summary, kernel) in kernels) kernel.Write(written.Line(), summary);
            code.Line("/// <summary>The kernels, as they are launched.</summary>").Line("public static readonly GpuProgram Program = new(");
            code.Indented(() =>
            {
                foreach (var (property, _, kernel) in kernels) kernel.WriteDescription(code, property, property == kernels[kernels.Count - 1].Property ? ");" : ",");
            });
            code.Append(written);
        });
    }

    /// <summary>The columns of the states, if the columns of states and outputs do not mix with one another.</summary>
    private static string? SplitOf(TileProgram forward)
    {
        var columns = forward.Carried.Select(state => forward[state.Id].Shape.Columns).Distinct().ToList();
        if (columns.Count != 1 || columns[0] == Dim.One) return null;
        var split = columns[0];
        bool Mixes(Instruction tile) => tile.Op switch
        {
            TileOp.SumColumns or TileOp.Softmax => forward[tile.Operands[0]].Shape.Columns == split,
            TileOp.SumRows => forward[tile.Operands[0]].Shape.Rows == split,
            TileOp.MatMul => (tile.TransposeLeft ? forward[tile.Operands[0]].Shape.Rows : forward[tile.Operands[0]].Shape.Columns) == split,
            TileOp.DecayedDot => forward[tile.Operands[0]].Shape.Columns == split,
            TileOp.Transpose => tile.Shape.Rows == split,
            _ => false,
        };
        return forward.Instructions.Any(Mixes) || forward.Outputs.Any(output => forward[output.Id].Shape.Columns != split) ? null : split;
    }
}
