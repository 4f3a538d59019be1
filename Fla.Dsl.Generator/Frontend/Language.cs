using Fla.Dsl.Generator.Model;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

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
        ["Quadratic"] = UnaryFunction.Quadratic,
        ["Taylor2"] = UnaryFunction.Taylor2,
    };

    private static readonly Dictionary<string, BinaryOperator> Operators = new()
    {
        ["op_Addition"] = BinaryOperator.Add,
        ["op_Subtraction"] = BinaryOperator.Subtract,
        ["op_Multiply"] = BinaryOperator.Multiply,
        ["op_Division"] = BinaryOperator.Divide,
    };

    public static bool IsRecurrence(AttributeData attribute) => Is(attribute.AttributeClass, "RecurrenceAttribute");

    public static bool IsState(ITypeSymbol type) => Is(type, "State");

    /// <summary>Whether a token may give it.</summary>
    public static bool IsOutput(ITypeSymbol type) => Is(type, "Vec") || Is(type, "Scalar");

    /// <summary>Whether it is a type of the language itself, and not a number of C#.</summary>
    public static bool IsTerm(ITypeSymbol? type) => type?.SpecialType == SpecialType.None && TypeOf(type) is not null;

    /// <summary>A type and those around it, innermost first.</summary>
    public static IEnumerable<INamedTypeSymbol> AndContainers(this INamedTypeSymbol type)
    {
        for (var next = type; next is not null; next = next.ContainingType) yield return next;
    }

    /// <summary>The type of a term, or null for a C# type that is none.</summary>
    public static TermType? TypeOf(ITypeSymbol? type)
    {
        if (type is not INamedTypeSymbol named) return null;
        if (Is(named, "Scalar") || named.SpecialType is SpecialType.System_Double or SpecialType.System_Int32 or SpecialType.System_Single) return TermType.Scalar;
        var dimensions = named.TypeArguments.Select(Dimension).ToList();
        return dimensions.Count switch
        {
            1 when Is(named, "Vec") || Is(named, "State") => TermType.Vector(dimensions[0]),
            2 when Is(named, "Mat") || Is(named, "State") => TermType.Matrix(dimensions[0], dimensions[1]),
            _ => null,
        };
    }

    /// <summary>The name of a dimension; one made of others has theirs in it.</summary>
    public static string Dimension(ITypeSymbol type) => type is INamedTypeSymbol { TypeArguments.Length: > 0 } generic
        ? FeatureDimension.Of(type.Name, string.Join(", ", generic.TypeArguments.Select(Dimension)))
        : type.Name;

    public static bool IsOperator(IMethodSymbol? method, out BinaryOperator operation)
    {
        operation = default;
        return method is not null && TypeOf(method.ContainingType) is not null && Operators.TryGetValue(method.Name, out operation);
    }

    /// <summary>C#'s own arithmetic on doubles.</summary>
    public static Func<double, double, double>? NumberOperator(IOperation operation) => ((operation as IBinaryOperation)?.OperatorKind ?? (operation as ICompoundAssignmentOperation)?.OperatorKind) switch
    {
        BinaryOperatorKind.Add => (a, b) => a + b,
        BinaryOperatorKind.Subtract => (a, b) => a - b,
        BinaryOperatorKind.Multiply => (a, b) => a * b,
        BinaryOperatorKind.Divide => (a, b) => a / b,
        _ => null,
    };

    public static bool IsFunction(IMethodSymbol method, out UnaryFunction function)
    {
        function = default;
        return IsRecurrences(method) && Functions.TryGetValue(method.Name, out function);
    }

    public static bool Is(IMethodSymbol method, string function) => IsRecurrences(method) && method.Name == function;

    public static AttributeData? Attribute(ISymbol symbol, string name) =>
        symbol.GetAttributes().FirstOrDefault(attribute => Is(attribute.AttributeClass, name + "Attribute"));

    private static bool IsRecurrences(IMethodSymbol method) => Is(method.ContainingType, "Recurrences");

    private static bool Is(ITypeSymbol? type, string name) => type is { ContainingType: null } && type.Name == name && type.ContainingNamespace?.ToDisplayString() == Home;
}
