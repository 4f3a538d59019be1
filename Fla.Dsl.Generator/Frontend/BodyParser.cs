using Fla.Dsl.Generator.Diagnostics;
using Fla.Dsl.Generator.Model;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Operations;

namespace Fla.Dsl.Generator.Frontend;

/// <summary>
/// Parses the body of Step, by Roslyn's operations, into static single assignment: each assignment to a state is an update with a
/// version of its own, and locals (with arguments that are assigned to) are put in where they are used. The body is free of C# errors.
/// </summary>
internal sealed class BodyParser
{
    private readonly SemanticModel model;
    private readonly Places places;
    private readonly Dictionary<string, Parameter> parameters;
    private readonly Dictionary<string, StateParameter> states;
    private readonly CancellationToken cancellation;

    private readonly Dictionary<string, int> versions = [];
    private readonly Dictionary<string, Expr> locals = [];
    private readonly List<StateUpdate> updates = [];
    private readonly TermSize size;
    private Expr? output;

    public BodyParser(SemanticModel model, Places places, IEnumerable<Parameter> parameters, IEnumerable<StateParameter> states, CancellationToken cancellation)
    {
        (this.model, this.places, this.cancellation) = (model, places, cancellation);
        this.parameters = parameters.ToDictionary(parameter => parameter.Name);
        this.states = states.ToDictionary(state => state.Name);
        size = new TermSize(updates);
    }

    public (EquatableArray<StateUpdate> Updates, Expr Output) Parse(MethodDeclarationSyntax step, string container)
    {
        if (model.GetOperation(step, cancellation) is not IMethodBodyOperation method) throw places.Fail(Rules.Return, step.Identifier, container, "it has no body");
        var declared = (IMethodSymbol)model.GetDeclaredSymbol(step, cancellation)!;
        if (!Language.IsOutput(declared.ReturnType) || declared.RefKind != RefKind.None) throw places.Fail(Rules.Return, step.ReturnType, container, $"it returns '{step.ReturnType}'");
        Parse((method.BlockBody ?? method.ExpressionBody!).Operations);
        return (updates.ToEquatableArray(), output ?? throw places.Fail(Rules.Return, step.Identifier, container, "it has no 'return'"));
    }

    private void Parse(IEnumerable<IOperation> statements)
    {
        foreach (var statement in statements)
        {
            if (output is not null) throw places.Fail(Rules.Statement, Unsupported.Statement(statement).Place, "what follows a 'return'");
            Parse(statement);
        }
    }

    private void Parse(IOperation statement)
    {
        switch (statement)
        {
            case IEmptyOperation:
                break;
            case IBlockOperation block:
                Parse(block.Operations);
                break;
            case IExpressionStatementOperation { Operation: ISimpleAssignmentOperation { IsRef: false } assignment }:
                Assign(assignment.Target, Term(assignment.Value), assignment);
                break;
            case IExpressionStatementOperation { Operation: ICompoundAssignmentOperation compound }:
                Assign(compound.Target, Combine(compound, compound.OperatorMethod, compound.Target, compound.Value) with { Span = places.Of(compound.Syntax) }, compound);
                break;
            case IVariableDeclarationGroupOperation group:
                foreach (var variable in group.Declarations.SelectMany(declaration => declaration.Declarators)) Declare(variable);
                break;
            case IReturnOperation { ReturnedValue: { } value }:
                output = Term(value);
                break;
            default:
                throw Fail(Rules.Statement, Unsupported.Statement(statement));
        }
    }

    private void Declare(IVariableDeclaratorOperation variable)
    {
        if (variable.Symbol.RefKind != RefKind.None) throw Fail(Rules.Statement, Unsupported.Statement(variable));
        if (variable.GetVariableInitializer() is { } initializer) locals[variable.Symbol.Name] = Term(initializer.Value);
    }

    private void Assign(IOperation target, Expr value, IOperation assignment)
    {
        switch (target)
        {
            case IParameterReferenceOperation { Parameter.Name: var name } when states.ContainsKey(name):
                updates.Add(new StateUpdate(name, versions[name] = Version(name) + 1, value));
                break;
            case IParameterReferenceOperation { Parameter.Name: var name }:
                locals[name] = value;
                break;
            case ILocalReferenceOperation local:
                locals[local.Local.Name] = value;
                break;
            default:
                throw Fail(Rules.Statement, Unsupported.Statement(assignment));
        }
    }

    private Expr Term(IOperation operation)
    {
        var term = Convert(operation) with { Span = places.Of(operation.Syntax) };
        return size.IsTooLarge(term) ? throw places.Fail(Rules.Expression, operation.Syntax, $"a term of more than {TermSize.Largest} operations, counted with those of the variables in it,") : term;
    }

    private Expr Convert(IOperation operation)
    {
        if (Number(operation.ConstantValue) is { } number) return new ConstantExpr(number);
        switch (operation)
        {
            case IParenthesizedOperation parenthesized:
                return Term(parenthesized.Operand);

            // Between the language's types, and from a number into it; out of it there is no way.
            case IConversionOperation conversion when Language.IsTerm(conversion.Type) || conversion is { IsImplicit: true, Type.SpecialType: SpecialType.System_Double }:
                return Term(conversion.Operand);
            case IParameterReferenceOperation { Parameter.Name: var name } when states.TryGetValue(name, out var state):
                return new StateExpr(name, Version(name), state.Type);
            case IParameterReferenceOperation { Parameter.Name: var name }:
                return locals.TryGetValue(name, out var assigned) ? assigned : new ArgumentExpr(name, parameters[name].Role, parameters[name].Type);
            case ILocalReferenceOperation local when locals.TryGetValue(local.Local.Name, out var value):
                return value;
            case IUnaryOperation { OperatorKind: UnaryOperatorKind.Minus } unary when Language.IsTerm(unary.Type) || unary.Type?.SpecialType == SpecialType.System_Double:
                return Term(unary.Operand) is var operand && operand is ConstantExpr constant ? new ConstantExpr(-constant.Value) : new UnaryExpr(UnaryFunction.Negate, operand, operand.Type);
            case IBinaryOperation binary:
                return Combine(binary, binary.OperatorMethod, binary.LeftOperand, binary.RightOperand);
            case IInvocationOperation invocation:
                return Call(invocation);
            default:
                throw Fail(Rules.Expression, Unsupported.Expression(operation));
        }
    }

    private static double? Number(Optional<object?> constant) => constant is { HasValue: true, Value: { } value }
        && value is double or float or long or ulong or int or uint or short or ushort or sbyte or byte ? System.Convert.ToDouble(value) : null;

    private Expr Combine(IOperation operation, IMethodSymbol? method, IOperation left, IOperation right)
    {
        if (Language.IsOperator(method, out var symbol)) return new BinaryExpr(symbol, Term(left), Term(right), Language.TypeOf(method!.ReturnType)!);
        if (operation.Type?.SpecialType != SpecialType.System_Double || Language.NumberOperator(operation) is not { } calculate) throw Fail(Rules.Expression, Unsupported.Expression(operation));
        return (Term(left), Term(right)) is (ConstantExpr a, ConstantExpr b) ? new ConstantExpr(calculate(a.Value, b.Value)) : throw Fail(Rules.Expression, Unsupported.Expression(operation));
    }

    private Expr Call(IInvocationOperation invocation)
    {
        var method = invocation.TargetMethod;
        var arguments = invocation.Arguments.OrderBy(argument => argument.Parameter!.Ordinal).Select(argument => argument.Value).ToList();
        TermType Type() => Language.TypeOf(invocation.Type)!;
        if (Language.IsFunction(method, out var function)) return new UnaryExpr(function, Term(arguments[0]), Type());
        if (Language.Is(method, "LogAddExp")) return new BinaryExpr(BinaryOperator.LogAddExp, Term(arguments[0]), Term(arguments[1]), Type());
        if (Language.Is(method, "Outer")) return new OuterExpr(Term(arguments[0]), Term(arguments[1]), Type());
        if (Language.Is(method, "Dot")) return new DotExpr(Term(arguments[0]), Term(arguments[1]), Type());
        if (Language.Is(method, "L2Normalize")) return Normalized(Term(arguments[0]), Term(arguments[1]), places.Of(invocation.Syntax));
        throw Fail(Rules.Expression, Unsupported.Expression(invocation));
    }

    /// <summary><c>x / sqrt(sum x^2 + epsilon)</c>.</summary>
    private static Expr Normalized(Expr x, Expr epsilon, RelativeSpan place)
    {
        var square = new UnaryExpr(UnaryFunction.Square, x, x.Type) { Span = place };
        var sum = new BinaryExpr(BinaryOperator.Add, new UnaryExpr(UnaryFunction.Sum, square, TermType.Scalar) { Span = place }, epsilon, TermType.Scalar) { Span = place };
        return new BinaryExpr(BinaryOperator.Divide, x, new UnaryExpr(UnaryFunction.Sqrt, sum, TermType.Scalar) { Span = place }, x.Type);
    }

    private int Version(string state) => versions.TryGetValue(state, out var version) ? version : 0;

    private DeclarationException Fail(DiagnosticDescriptor rule, (string Words, SyntaxNodeOrToken Place) unsupported) => places.Fail(rule, unsupported.Place, unsupported.Words);
}
