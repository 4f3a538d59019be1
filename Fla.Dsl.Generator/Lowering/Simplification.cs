namespace Fla.Dsl.Generator.Lowering;

/// <summary>Rebuilds a program from what its results need, through a builder that applies the algebra and shares equal terms.</summary>
internal static class Simplification
{
    public static TileProgram Simplify(TileProgram program)
    {
        var builder = new TileBuilder();
        var map = program.Inputs.ToDictionary(input => input.Id, input => builder.Input(input.Name, input.Kind, program[input.Id].Shape));
        var needed = program.Ancestors(program.Outputs.Concat(program.Next).Select(result => result.Id));
        foreach (var instruction in program.Instructions.Where(i => i.Op != TileOp.Input && needed.Contains(i.Id)))
            map.Add(instruction.Id, builder.Copy(instruction, operand => map[operand]));
        ProgramOutput Mapped(ProgramOutput result) => result with { Id = map[result.Id] };
        var simplified = builder.Build(program.Name, program.Outputs.Select(Mapped), program.Next.Select(Mapped));
        return simplified.Equals(program) ? program : Simplify(simplified);
    }
}
