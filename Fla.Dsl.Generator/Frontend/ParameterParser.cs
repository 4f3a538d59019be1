using Fla.Dsl.Generator.Diagnostics;
using Fla.Dsl.Generator.Model;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Fla.Dsl.Generator.Frontend;

/// <summary>Parses the parameters of Step: arguments by type and attributes, states by type.</summary>
internal sealed class ParameterParser(INamedTypeSymbol container, SemanticModel model, Places places, CancellationToken cancellation)
{
    private const string LogSpace = "LogSpace";
    private const string L2NormOption = "L2NormOption";
    private static readonly string[] Attributes = ["LogDecay", "PerHead", "Scale", L2NormOption, LogSpace];

    private readonly List<Parameter> parameters = [];
    private readonly List<StateParameter> states = [];

    public (IReadOnlyList<Parameter> Parameters, IReadOnlyList<StateParameter> States) Parse(MethodDeclarationSyntax step)
    {
        foreach (var parameter in step.ParameterList.Parameters)
        {
            if (model.GetDeclaredSymbol(parameter, cancellation) is not IParameterSymbol declared) throw places.Fail(Rules.ParameterType, parameter, parameter.ToString(), "of no type");
            if (Language.IsState(declared.Type)) states.Add(ParseState(parameter, declared));
            else parameters.Add(ParseArgument(parameter, declared));
        }

        if (states.Count == 0) throw places.Fail(Rules.NoState, step.Identifier, container.Name);
        if (parameters.All(parameter => parameter.Role != ParameterRole.Token)) throw places.Fail(Rules.NoTokens, step.Identifier, container.Name);
        var given = parameters.SelectMany(parameter => new[] { parameter.Type.Rows, parameter.Type.Columns }).Append(Dim.One).ToList();
        foreach (var state in states)
        foreach (var dimension in new[] { state.Type.Rows, state.Type.Columns }.Where(dimension => !given.Contains(dimension) && !given.Contains(FeatureDimension.Root(dimension))))
        {
            var place = step.ParameterList.Parameters.First(p => p.Identifier.ValueText == state.Name);
            throw places.Fail(Rules.Dimension, place, FeatureDimension.Root(dimension), $"state '{state.Name}'");
        }

        return (parameters, states);
    }

    private StateParameter ParseState(ParameterSyntax parameter, IParameterSymbol declared)
    {
        if (declared.RefKind != RefKind.Ref) throw places.Fail(Rules.StateByReference, parameter, declared.Name, parameter.Type!.ToString());
        if (Marked(declared).FirstOrDefault(attribute => attribute != LogSpace) is { } wrong) throw NoAttribute(parameter, wrong, "it is a state");
        var (type, isLogSpace) = (Language.TypeOf(declared.Type)!, Marked(declared).Contains(LogSpace));
        if (isLogSpace && type.Kind != TermKind.Vector) throw NoAttribute(parameter, LogSpace, "only a 'State<>' is held in logarithms, and it is a matrix");
        return new StateParameter(declared.Name, type, isLogSpace);
    }

    private Parameter ParseArgument(ParameterSyntax parameter, IParameterSymbol declared)
    {
        if (!Language.IsTerm(declared.Type)) throw Unfit($"of type '{parameter.Type}'");
        if (declared.RefKind != RefKind.None) throw Unfit($"passed by '{parameter.Modifiers}'");
        if (declared.HasExplicitDefaultValue) throw Unfit("optional");
        var type = Language.TypeOf(declared.Type)!;
        var marked = Marked(declared);
        if (marked.Contains(LogSpace)) throw NoAttribute(parameter, LogSpace, "it is no state");
        if (marked.Count > 1 && !(marked.Count == 2 && marked[1] == "PerHead")) throw NoAttribute(parameter, marked[marked.Count - 1], $"it is [{marked[0]}] already");
        if (marked.Contains("Scale") && type.Kind != TermKind.Scalar) throw NoAttribute(parameter, "Scale", $"a scale is a Scalar, and it is a {type}");
        if (marked.Contains("Scale") && parameters.FirstOrDefault(other => other.Role == ParameterRole.Scale) is { } scale) throw NoAttribute(parameter, "Scale", $"'{scale.Name}' is the scale already");
        if (marked.Contains(L2NormOption) && type.Kind != TermKind.Vector) throw NoAttribute(parameter, L2NormOption, $"only a vector has a length, and it is a {type}");
        var isPerHead = marked.Contains("PerHead");
        if (type.Kind == TermKind.Matrix && !isPerHead) throw Unfit($"of type '{parameter.Type}'");
        var role = isPerHead ? ParameterRole.PerHead : marked.Contains("Scale") ? ParameterRole.Scale : ParameterRole.Token;
        return new Parameter(declared.Name, type, role, marked.Contains("LogDecay"), isPerHead ? DefaultOf(parameter, declared, type) : null, marked.Contains(L2NormOption));

        DeclarationException Unfit(string what) => places.Fail(Rules.ParameterType, parameter, declared.Name, what);
    }

    private string? DefaultOf(ParameterSyntax parameter, IParameterSymbol declared, TermType type)
    {
        if (Language.Attribute(declared, "PerHead")!.NamedArguments.FirstOrDefault(argument => argument.Key == "Default").Value.Value is not string name) return null;
        var fits = container.GetMembers(name).OfType<IMethodSymbol>().Any(method => method is { IsStatic: true, ReturnType.SpecialType: SpecialType.System_Double, Parameters.Length: 2 }
            && method.Parameters.All(p => p.RefKind == RefKind.None && p.Type.SpecialType == SpecialType.System_Int32));
        if (!fits) throw NoAttribute(parameter, "PerHead", $"its Default wants a method 'static double {name}(int head, int heads)' in '{container.Name}'");
        if (type.Kind != TermKind.Scalar) throw NoAttribute(parameter, "PerHead", $"only a Scalar may have a Default, and it is a {type}");
        return name;
    }

    private static List<string> Marked(IParameterSymbol declared) => Attributes.Where(name => Language.Attribute(declared, name) is not null).ToList();

    private DeclarationException NoAttribute(ParameterSyntax parameter, string attribute, string why) =>
        places.Fail(Rules.Attribute, parameter, parameter.Identifier.ValueText, attribute, why);
}
