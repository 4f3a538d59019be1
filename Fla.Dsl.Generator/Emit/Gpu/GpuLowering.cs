using Fla.Dsl.Generator.Analysis;
using Fla.Dsl.Generator.Lowering;

namespace Fla.Dsl.Generator.Emit.Gpu;

/// <summary>Writes in simpler operations what kernels have no operation of their own for.</summary>
internal static class GpuLowering
{
    public static TileProgram Lower(TileProgram program)
    {
        var builder = new TileBuilder();
        var map = program.Inputs.ToDictionary(input => input.Id, input => builder.Input(input.Name, input.Kind, program[input.Id].Shape));
        foreach (var instruction in program.Instructions.Where(tile => tile.Op != TileOp.Input))
            map.Add(instruction.Id, instruction.Op == TileOp.DecayMatrix ? Decays(builder, map[instruction.Operands[0]], instruction) : builder.Copy(instruction, id => map[id]));
        ProgramOutput Mapped(ProgramOutput result) => result with { Id = map[result.Id] };
        return Simplification.Simplify(builder.Build(program.Name, program.Outputs.Select(Mapped), program.Next.Select(Mapped)));
    }

    /// <summary><c>exp(G_i - G_j)</c> of the sums G up to a token, where j counts for i.</summary>
    private static int Decays(TileBuilder builder, int gate, Instruction matrix)
    {
        var upTo = builder.CumulativeSum(gate);
        var later = matrix.Point == ReadPoint.BeforeDecay ? builder.CumulativeSum(gate, exclusive: true) : upTo;
        return builder.Name(builder.CausalMask(builder.Exp(builder.Subtract(later, builder.Transpose(upTo))), matrix.Point), matrix.Name);
    }
}
