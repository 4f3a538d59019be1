using Fla.Dsl.Generator.Diagnostics;
using Fla.Dsl.Generator.Model;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Fla.Dsl.Generator.Frontend;

/// <summary>Names that mean something else in generated code already, and dimensions that could be mistaken for each other.</summary>
internal sealed class NameRules(TypeDeclarationSyntax syntax, INamedTypeSymbol symbol, SemanticModel model, Places places)
{
    /// <summary>What the generated part adds to the class; of the modes there may be more overloads.</summary>
    private static readonly string[] Members = ["Op", "Sources", "ChunkCode", "TokenCode"];
    private static readonly string[] Modes = ["Chunk", "FusedChunk", "FusedRecurrent", "Parallel"];

    /// <summary>Parameters of the generated methods, and what their bodies name.</summary>
    private static readonly string[] Locals = ["initialState", "outputFinalState", "cuSeqlens", "state", "l2Norm", "Op"];

    /// <summary>Names of members of tuples, which no element of several may have: the states are given as one tuple.</summary>
    private static readonly string[] TupleMembers = ["CompareTo", "Deconstruct", "Equals", "GetHashCode", "Rest", "ToString"];

    /// <summary>What generated programs call by short names, and the namespaces in which these are.</summary>
    private static readonly Dictionary<string, string> Called = new()
    {
        ["torch"] = "TorchSharp",
        ["Tiles"] = "Fla.Dsl.Runtime",
        ["DecayedProducts"] = "Fla.Dsl.Runtime",
        ["FeatureMaps"] = "Fla.Dsl.Runtime",
        ["Scans"] = "Fla.Dsl.Runtime",
        ["ReadPoint"] = "Fla.Dsl.Runtime",
    };

    public void CheckClass()
    {
        if (Members.Concat(Modes).Contains(symbol.Name)) throw Taken(syntax.Identifier, symbol.Name, "the class gets a member of that name; rename the class");
        foreach (var member in Members.SelectMany(name => symbol.GetMembers(name)).Concat(Modes.SelectMany(name => symbol.GetMembers(name)).Where(member => member is not IMethodSymbol)))
            throw Taken(syntax.Identifier, member.Name, $"a generated member of '{symbol.Name}' has it; rename yours");
        foreach (var call in Called)
        {
            if (symbol.AndContainers().SelectMany(type => type.GetMembers(call.Key)).Concat(Namespaces().SelectMany(space => space.GetMembers(call.Key)))
                .FirstOrDefault(member => member.ContainingNamespace?.ToDisplayString() != call.Value) is { } hiding)
                throw Taken(syntax.Identifier, call.Key, $"generated code means '{call.Value}.{call.Key}' by it, which '{hiding.ToDisplayString()}' hides; rename that");
        }
    }

    public void CheckParameters(IReadOnlyList<ParameterSyntax> declared, IReadOnlyList<Parameter> parameters, IReadOnlyList<StateParameter> states)
    {
        foreach (var parameter in parameters.Where(parameter => Locals.Contains(parameter.Name)))
            throw Taken(Identifier(parameter.Name), parameter.Name, "the generated methods use it; rename the argument");
        foreach (var state in states.Where(state => states.Count > 1 && (TupleMembers.Contains(state.Name) || IsItem(state.Name))))
            throw Taken(Identifier(state.Name), state.Name, "tuples have a member of that name, and the states are given as a tuple; rename the state");

        SyntaxToken Identifier(string name) => declared.First(parameter => parameter.Identifier.ValueText == name).Identifier;
    }

    /// <summary>Dimensions are told apart by their names alone, here and by the tensors' users.</summary>
    public void CheckDimensions(IReadOnlyList<ParameterSyntax> declared)
    {
        var known = new Dictionary<string, ITypeSymbol>();
        foreach (var parameter in declared)
        foreach (var dimension in ((INamedTypeSymbol)((IParameterSymbol)model.GetDeclaredSymbol(parameter)!).Type).TypeArguments)
        {
            var name = Language.Dimension(dimension);
            if (!known.TryGetValue(name, out var other)) known.Add(name, dimension);
            else if (!SymbolEqualityComparer.Default.Equals(dimension, other)) throw places.Fail(Rules.AmbiguousDimension, parameter.Type!, other.ToDisplayString(), dimension.ToDisplayString());
        }
    }

    private static bool IsItem(string name) => name.StartsWith("Item", StringComparison.Ordinal) && int.TryParse(name.Substring(4), out _);

    private IEnumerable<INamespaceSymbol> Namespaces()
    {
        for (var space = symbol.ContainingNamespace; space is not null; space = space.ContainingNamespace)
            yield return model.Compilation.GetCompilationNamespace(space) ?? space;
    }

    private DeclarationException Taken(SyntaxNodeOrToken place, string name, string why) => places.Fail(Rules.TakenName, place, name, why);
}
