namespace Fla.Dsl.Generator.Lowering;

/// <summary>Rebuilds a program from what its results need, through a builder that applies the algebra and shares equal terms.</summary>
internal static class Simplification
{
    public static TileProgram Simplify(TileProgram program)
    {
        var builder = new TileBuilder();
        var map = builder.InputsOf(program);
        var needed = program.Ancestors(program.Outputs.Concat(program.Next).Select(result => result.Id));
        builder.Copy(program.Instructions.Where(instruction => needed.Contains(instruction.Id)), map);
        var simplified = builder.Build(program, map);
        return simplified.Equals(program) ? program : Simplify(simplified);
    }
}
