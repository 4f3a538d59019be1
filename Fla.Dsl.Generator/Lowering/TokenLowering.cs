using Fla.Dsl.Generator.Model;

namespace Fla.Dsl.Generator.Lowering;

/// <summary>Lowers a declaration as it stands, word by word, to what happens in one token of one head.</summary>
internal static class TokenLowering
{
    public static TileProgram Lower(Declaration declaration)
    {
        var builder = new TileBuilder();
        var states = new Dictionary<(string, int), int>();
        var terms = new TokenTerms(builder, declaration, Dim.One, expression => expression is StateExpr state ? states[(state.Name, state.Version)] : null);
        foreach (var state in declaration.States)
            states.Add((state.Name, 0), builder.Input(state.Name, InputKind.Carry, new Shape(state.Type.Rows, state.Type.Columns)));

        var next = declaration.States.ToDictionary(state => state.Name, state => states[(state.Name, 0)]);
        foreach (var update in declaration.Updates)
        {
            var type = declaration.States.Single(state => state.Name == update.State).Type;
            next[update.State] = states[(update.State, update.Version)] = builder.Broadcast(terms.Lower(update.Value), new Shape(type.Rows, type.Columns));
        }

        var output = builder.Broadcast(terms.Lower(declaration.Output), new Shape(Dim.One, declaration.Output.Type.Columns));
        return builder.Build($"{declaration.Name} token", [new ProgramOutput("o", builder.Name(output, "o"))],
            declaration.States.Select(state => new ProgramOutput(state.Name, builder.Name(next[state.Name], $"next{state.Name}"))));
    }
}
