using Fla.Dsl.Generator.Model;
using Microsoft.CodeAnalysis;

namespace Fla.Dsl.Generator.Frontend;

/// <summary>The language by its symbols: which type is a Vec, which attribute a gate, which method an Exp.</summary>
internal static class Language
{
    public const string RecurrenceAttribute = "Fla.Dsl.RecurrenceAttribute";

    private const string Home = "Fla.Dsl";

    private static readonly Dictionary<string, UnaryFunction> Functions = new()
    {
        ["Exp"] = UnaryFunction.Exp,
        ["Log"] = UnaryFunction.Log,
        ["Sqrt"] = UnaryFunction.Sqrt,
        ["Square"] = UnaryFunction.Square,
        ["Sigmoid"] = UnaryFunction.Sigmoid,
        ["LogSigmoid"] = UnaryFunction.LogSigmoid,
        ["Tanh"] = UnaryFunction.Tanh,
        ["Relu"] = UnaryFunction.Relu,
        ["Silu"] = UnaryFunction.Silu,
        ["Softplus"] = UnaryFunction.Softplus,
        ["Softmax"] = UnaryFunction.Softmax,
        ["Sum"] = UnaryFunction.Sum,
    };

    private static readonly Dictionary<string, BinaryOperator> Operators = new()
    {
        ["op_Addition"] = BinaryOperator.Add,
        ["op_Subtraction"] = BinaryOperator.Subtract,
        ["op_Multiply"] = BinaryOperator.Multiply,
        ["op_Division"] = BinaryOperator.Divide,
    };

    public static bool IsState(ITypeSymbol type) => Is(type, "State");

    /// <summary>The type of a term, or null for a C# type that is none.</summary>
    public static TermType? TypeOf(ITypeSymbol? type)
    {
        if (type is not INamedTypeSymbol named) return null;
        if (Is(named, "Scalar") || named.SpecialType is SpecialType.System_Double or SpecialType.System_Int32 or SpecialType.System_Single) return TermType.Scalar;
        var dimensions = named.TypeArguments.Select(argument => argument.Name).ToList();
        return dimensions.Count switch
        {
            1 when Is(named, "Vec") || Is(named, "State") => TermType.Vector(dimensions[0]),
            2 when Is(named, "Mat") || Is(named, "State") => TermType.Matrix(dimensions[0], dimensions[1]),
            _ => null,
        };
    }

    public static bool IsOperator(IMethodSymbol? method, out BinaryOperator operation)
    {
        operation = default;
        return method is not null && TypeOf(method.ContainingType) is not null && Operators.TryGetValue(method.Name, out operation);
    }

    public static bool IsFunction(IMethodSymbol method, out UnaryFunction function)
    {
        function = default;
        return IsRecurrences(method) && Functions.TryGetValue(method.Name, out function);
    }

    public static bool Is(IMethodSymbol method, string function) => IsRecurrences(method) && method.Name == function;

    public static AttributeData? Attribute(ISymbol symbol, string name) =>
        symbol.GetAttributes().FirstOrDefault(attribute => attribute.AttributeClass is { } type && type.Name == name + "Attribute" && IsHome(type));

    private static bool IsRecurrences(IMethodSymbol method) => method.ContainingType is { Name: "Recurrences" } type && IsHome(type);

    private static bool Is(ITypeSymbol? type, string name) => type is not null && type.Name == name && IsHome(type);

    private static bool IsHome(ITypeSymbol type) => type.ContainingNamespace.ToDisplayString() == Home;
}
